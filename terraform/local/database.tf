# Stands in for modules/database: the emulator has the control plane of RDS alone, and nothing would listen.

output "cluster_arn" {
  value = "arn:aws:rds:eu-west-1:000000000000:cluster:${var.prefix}-database"
}

output "cluster_identifier" {
  value = "${var.prefix}-database"
}

output "engine_version" {
  value = var.engine_version
}

output "proxy_name" {
  value = "${var.prefix}-database"
}

output "proxy_endpoint" {
  value = "127.0.0.1"
}

output "proxy_resource_id" {
  value = "prx-00000000000000001"
}

output "proxy_connections" {
  value = var.max_connections
}

output "port" {
  value = 5432
}

output "database_name" {
  value = var.database_name
}

output "users" {
  value = setunion(var.users, [var.owner])
}

output "secret_arns" {
  value = {}
}

output "proxy_secret_arns" {
  value = {}
}

output "log_group_name" {
  value = "/aws/rds/cluster/${var.prefix}-database/postgresql"
}

output "proxy_log_group_name" {
  value = "/aws/rds/proxy/${var.prefix}-database"
}
