output "topic_arns" {
  description = "Topics by severity: page, ticket."
  value       = { for severity, topic in aws_sns_topic.this : severity => topic.arn }
}

output "key_arn" {
  description = "Key of the topics."
  value       = aws_kms_key.this.arn
}
