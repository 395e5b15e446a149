output "arns" {
  description = "ARNs of the secrets, by the catalog's name."
  value       = { for name, secret in aws_secretsmanager_secret.this : name => secret.arn }
}
