# Stands in for modules/cache: the emulator has the control plane of ElastiCache alone, and nothing would listen.

output "endpoint" {
  value = "127.0.0.1"
}

output "port" {
  value = 6379
}

output "url" {
  value = "rediss://${var.prefix}@127.0.0.1:6379"
}

output "name" {
  value = "${var.prefix}-cache"
}

output "arn" {
  value = "arn:aws:elasticache:eu-west-1:000000000000:replicationgroup:${var.prefix}-cache"
}

output "id" {
  value = "${var.prefix}-cache"
}

output "user_arn" {
  value = "arn:aws:elasticache:eu-west-1:000000000000:user:${var.prefix}"
}

output "user_name" {
  value = var.prefix
}

output "log_group_name" {
  value = "/aws/elasticache/${var.prefix}-cache"
}
