output "configuration_set_name" {
  description = "Name of the configuration set."
  value       = aws_sesv2_configuration_set.this.configuration_set_name
}

output "identity_arn" {
  description = "ARN of the sender's identity."
  value       = aws_sesv2_email_identity.this.arn
}

output "settings" {
  description = "Settings that the tests compare with the catalog."
  value = {
    identity        = aws_sesv2_email_identity.this.email_identity
    tls_policy      = aws_sesv2_configuration_set.this.delivery_options[0].tls_policy
    feedback_topics = keys(aws_sesv2_configuration_set_event_destination.this)
  }
}

output "dkim_records" {
  description = "CNAME records to publish in the sender's domain: names and values. SES verifies the identity by them."
  value = {
    for token in try(aws_sesv2_email_identity.this.dkim_signing_attributes[0].tokens, []) :
    "${token}._domainkey.${aws_sesv2_email_identity.this.email_identity}" => "${token}.dkim.amazonses.com"
  }
}
