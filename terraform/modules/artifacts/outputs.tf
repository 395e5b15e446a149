output "bucket" {
  description = "Name of the artifacts' bucket."
  value       = module.bucket.name
}

output "arn" {
  description = "ARN of the artifacts' bucket."
  value       = module.bucket.arn
}

output "settings" {
  description = "Settings of the bucket, for the tests."
  value       = module.bucket.settings
}
