output "arns" {
  description = "ARNs of the tables, by the catalog's name."
  value       = { for name, table in aws_dynamodb_table.this : name => table.arn }
}

output "stream_arns" {
  description = "ARNs of the tables' streams, by the catalog's name."
  value       = { for name, table in aws_dynamodb_table.this : name => table.stream_arn }
}

output "names" {
  description = "Physical names of the tables, by the catalog's name."
  value       = { for name, table in aws_dynamodb_table.this : name => table.name }
}
