output "name" {
  description = "Name of the proxy, the dimension of its metrics."
  value       = aws_db_proxy.this.name
}

output "endpoint" {
  description = "Host at which functions connect."
  value       = aws_db_proxy.this.endpoint
}

output "resource_id" {
  description = "Resource id of the proxy (prx-...), which rds-db:connect names."
  value       = reverse(split(":", aws_db_proxy.this.arn))[0]
}

output "log_group_name" {
  description = "Name of the group of the proxy's log."
  value       = aws_cloudwatch_log_group.this.name
}
