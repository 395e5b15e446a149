output "arns" {
  description = "ARNs of the keys by concern: artifacts, buckets, cache, database, kafka, logs, queues, secrets, streams, tables, topics."
  value       = { for concern, key in aws_kms_key.this : concern => key.arn }
}
