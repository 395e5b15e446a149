output "application_name" {
  description = "Name of the application, the dimension of its metrics."
  value       = aws_kinesisanalyticsv2_application.this.name
}

output "database" {
  description = "Name of the Glue database with the tables of the archive."
  value       = aws_glue_catalog_database.this.name
}

output "log_group_name" {
  description = "Name of the group of the application's log."
  value       = aws_cloudwatch_log_group.this.name
}
