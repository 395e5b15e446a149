output "arns" {
  description = "ARNs of the buckets, by the catalog's name."
  value       = { for name, bucket in aws_s3_bucket.this : name => bucket.arn }
  # S3 refuses to replicate from or into a bucket without versions.
  depends_on = [aws_s3_bucket_versioning.this]
}

output "names" {
  description = "Physical names of the buckets, by the catalog's name."
  value       = { for name, bucket in aws_s3_bucket.this : name => bucket.bucket }
  depends_on  = [aws_s3_bucket_versioning.this]
}

output "locked" {
  description = "Buckets whose objects are locked, and for how many years."
  value       = local.locked
}

output "access_logs_name" {
  description = "Name of the bucket that receives access logs."
  value       = aws_s3_bucket.access_logs.bucket
}
