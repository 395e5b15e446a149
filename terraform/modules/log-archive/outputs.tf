output "bucket" {
  description = "Bucket of the archived logs."
  value       = module.bucket.name
}

output "settings" {
  description = "Settings of the bucket, for the tests."
  value       = module.bucket.settings
}

output "log_groups" {
  description = "Names of the groups whose lines are archived."
  value       = toset([for filter in aws_cloudwatch_log_subscription_filter.this : filter.log_group_name])
}
