output "cluster_arn" {
  description = "ARN of the cluster."
  value       = aws_rds_cluster.this.arn
}

output "cluster_identifier" {
  description = "Identifier of the cluster, the dimension of its metrics."
  value       = aws_rds_cluster.this.cluster_identifier
}

output "engine_version" {
  description = "Version of Aurora PostgreSQL."
  value       = var.engine_version
}

output "proxy_name" {
  description = "Name of the proxy, the dimension of its metrics."
  value       = module.proxy.name
}

output "proxy_endpoint" {
  description = "Host at which functions connect."
  value       = module.proxy.endpoint
}

output "proxy_resource_id" {
  description = "Resource id of the proxy (prx-...), which rds-db:connect names."
  value       = module.proxy.resource_id
}

output "proxy_connections" {
  description = "Connections that the proxy may open."
  value       = floor(var.max_connections * var.proxy_connections_percent / 100)
}

output "port" {
  description = "Port of the proxy."
  value       = 5432
}

output "database_name" {
  description = "Name of the database."
  value       = var.database_name
}

output "users" {
  description = "The roles that may log in: those of the contexts and the owner."
  value       = setunion(var.users, [var.owner])
}

output "secret_arns" {
  description = "ARNs of the roles' secrets, by role, without an owner's that Aurora rotates itself."
  value       = { for user, secret in aws_secretsmanager_secret.this : user => secret.arn }
}

output "proxy_secret_arns" {
  description = "ARNs of all secrets that the proxy reads, by role."
  value       = local.secret_arns
}

output "log_group_name" {
  description = "Name of the group of the database's log."
  value       = aws_cloudwatch_log_group.cluster.name
}

output "proxy_log_group_name" {
  description = "Name of the group of the proxy's log."
  value       = module.proxy.log_group_name
}
