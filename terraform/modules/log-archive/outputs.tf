output "bucket" {
  description = "Bucket of the archived logs."
  value       = module.bucket.name
}

output "settings" {
  description = "Settings of the bucket, for the tests."
  value       = module.bucket.settings
}
