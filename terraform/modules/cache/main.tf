# Valkey with TLS. Clients log in as one user with an IAM token; there are no passwords.

locals {
  name = "${var.prefix}-cache"
  # IAM requires that id and name of the user are equal.
  user = "${var.prefix}-functions"
  port = 6379
}

resource "aws_elasticache_subnet_group" "this" {
  name        = local.name
  description = "Subnets without a route to the internet"
  subnet_ids  = var.subnet_ids
}

resource "aws_elasticache_parameter_group" "this" {
  name        = local.name
  description = "Quayside: forget what was not used for longest when full"
  family      = "valkey${split(".", var.engine_version)[0]}"

  parameter {
    name  = "maxmemory-policy"
    value = "allkeys-lru"
  }

  lifecycle {
    create_before_destroy = true
  }
}

# The commands that shared/adapters-redis sends, and no others.
resource "aws_elasticache_user" "this" {
  user_id       = local.user
  user_name     = local.user
  engine        = "valkey"
  access_string = "on ~* -@all +@connection +get +set +del +exists +eval"

  authentication_mode {
    type = "iam"
  }
}

resource "aws_elasticache_user_group" "this" {
  user_group_id = local.name
  engine        = "valkey"
  user_ids      = [aws_elasticache_user.this.user_id]
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:the archive bucket of the primary region has them for a year; those of a standby are of the time of a failover
  name              = "/aws/elasticache/${local.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.logs_key_arn
}

resource "aws_elasticache_replication_group" "this" {
  #checkov:skip=CKV_AWS_31:users log in with IAM tokens, which expire; a static token would be weaker
  #checkov:skip=CKV2_AWS_50:failover needs two nodes, which variables give to prod; a test asserts it there
  replication_group_id = local.name
  description          = "Cache, circuit breaker and limits of clients; nothing depends on it"
  engine               = "valkey"
  engine_version       = var.engine_version
  node_type            = var.node_type
  num_cache_clusters   = var.nodes
  port                 = local.port
  parameter_group_name = aws_elasticache_parameter_group.this.name

  automatic_failover_enabled = var.nodes > 1
  multi_az_enabled           = var.nodes > 1

  subnet_group_name  = aws_elasticache_subnet_group.this.name
  security_group_ids = [var.security_group_id]
  user_group_ids     = [aws_elasticache_user_group.this.user_group_id]

  at_rest_encryption_enabled = true
  kms_key_id                 = var.key_arn
  transit_encryption_enabled = true
  transit_encryption_mode    = "required"

  auto_minor_version_upgrade = true
  maintenance_window         = "sun:04:30-sun:05:30"
  # Everything in it can be read again from where it came.
  snapshot_retention_limit = 0

  log_delivery_configuration {
    destination      = aws_cloudwatch_log_group.this.name
    destination_type = "cloudwatch-logs"
    log_format       = "json"
    log_type         = "engine-log"
  }
}
