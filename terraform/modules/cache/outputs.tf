output "endpoint" {
  description = "Host of the primary node."
  value       = aws_elasticache_replication_group.this.primary_endpoint_address
}

output "port" {
  description = "Port of the nodes."
  value       = local.port
}

output "url" {
  description = "URL for clients, which add an IAM token as the password."
  value       = "rediss://${local.user}@${aws_elasticache_replication_group.this.primary_endpoint_address}:${local.port}"
}

output "name" {
  description = "Id of the replication group, known before it exists: IAM tokens are signed for it."
  value       = local.name
}

output "arn" {
  description = "ARN of the replication group, which elasticache:Connect names together with the user."
  value       = aws_elasticache_replication_group.this.arn
}

output "id" {
  description = "Id of the replication group; its nodes are the dimension of its metrics."
  value       = aws_elasticache_replication_group.this.id
}

output "user_arn" {
  description = "ARN of the user as whom clients log in."
  value       = aws_elasticache_user.this.arn
}

output "user_name" {
  description = "Name of the user as whom clients log in."
  value       = local.user
}

output "log_group_name" {
  description = "Name of the group of the cache's log."
  value       = aws_cloudwatch_log_group.this.name
}
