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
