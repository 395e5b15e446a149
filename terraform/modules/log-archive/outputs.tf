output "bucket" {
  description = "Bucket of the archived logs."
  value       = aws_s3_bucket.this.bucket
}
