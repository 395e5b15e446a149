output "cluster_identifier" {
  description = "Identifier of the copy of the database, behind which a proxy is put."
  value       = aws_rds_cluster.this.cluster_identifier
}

output "cluster_arn" {
  description = "ARN of the copy of the database, the target of a failover."
  value       = aws_rds_cluster.this.arn
}

output "global_cluster_identifier" {
  description = "Identifier of the global database."
  value       = aws_rds_global_cluster.this.id
}

output "health_check_id" {
  description = "Id of the health check for a failover record, or null."
  value       = one(aws_route53_health_check.this[*].id)
}

output "table_replica_arns" {
  description = "ARNs of the replicas of the tables, by the catalog's name."
  value       = { for name, replica in aws_dynamodb_table_replica.this : name => replica.arn }
}
