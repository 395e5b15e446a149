output "arns" {
  description = "ARNs of the streams, by the catalog's name."
  value       = { for name, stream in aws_kinesis_stream.this : name => stream.arn }
}

output "names" {
  description = "Physical names of the streams, by the catalog's name."
  value       = { for name, stream in aws_kinesis_stream.this : name => stream.name }
}
