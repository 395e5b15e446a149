output "log_group_name" {
  description = "Log group of the trail."
  value       = aws_cloudwatch_log_group.this.name
}

output "arn" {
  description = "ARN of the trail."
  value       = aws_cloudtrail.this.arn
}

output "bucket" {
  description = "Bucket of the trail."
  value       = module.bucket.name
}

output "settings" {
  description = "Settings of the bucket, for the tests."
  value       = module.bucket.settings
}
