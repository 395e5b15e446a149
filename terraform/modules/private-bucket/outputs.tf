output "name" {
  description = "Name of the bucket, once its policy protects it."
  value       = aws_s3_bucket.this.bucket

  depends_on = [aws_s3_bucket_policy.this]
}

output "arn" {
  description = "ARN of the bucket."
  value       = aws_s3_bucket.this.arn
}

output "settings" {
  description = "Settings that the tests of its users compare."
  value = {
    name           = var.name
    key_arn        = var.key_arn
    retention_days = var.retention_days
    tier_days      = var.tiers[*].days
    policy         = aws_s3_bucket_policy.this.policy
  }
}
