# Copies of all data in a second region. No instance runs there until a failover; docs/runbooks/region-failover.md has the steps.

locals {
  name = "${var.prefix}-database"

  instances = { for number in range(var.database.instances) : number => "${local.name}-standby-${number}" }
}

# ---- PostgreSQL: storage is replicated with a lag of about a second, with or without instances --------------

resource "aws_rds_global_cluster" "this" {
  global_cluster_identifier    = local.name
  source_db_cluster_identifier = var.database.cluster_arn
  deletion_protection          = var.deletion_protection
  # Removing the global cluster leaves its clusters.
  force_destroy = true

  lifecycle {
    ignore_changes = [engine_version]
  }
}

resource "aws_db_subnet_group" "this" {
  provider = aws.standby

  name        = local.name
  description = "Subnets without a route to the internet"
  subnet_ids  = var.subnet_ids
}

module "parameters" {
  source    = "../database-parameters"
  providers = { aws = aws.standby }

  name            = local.name
  engine_version  = var.database.engine_version
  max_connections = var.database.max_connections
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:the archive of logs is in the primary region; these are of the time of a failover
  provider = aws.standby

  name              = "/aws/rds/cluster/${local.name}/postgresql"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.key_arns.logs
}

resource "aws_rds_cluster" "this" {
  #checkov:skip=CKV2_AWS_8:it is a copy; after a failover its automatic backups are kept for backup_retention_days
  #checkov:skip=CKV2_AWS_27:the module parameters logs statements, which the scanner does not follow; a test asserts it
  #checkov:skip=CKV_AWS_139:deletion protection follows a variable, so that a standby can be removed; a test asserts it for prod
  provider = aws.standby

  cluster_identifier        = local.name
  global_cluster_identifier = aws_rds_global_cluster.this.id
  engine                    = "aurora-postgresql"
  engine_mode               = "provisioned"
  engine_version            = var.database.engine_version

  iam_database_authentication_enabled = true
  db_subnet_group_name                = aws_db_subnet_group.this.name
  db_cluster_parameter_group_name     = module.parameters.name
  vpc_security_group_ids              = [var.security_group_id]

  storage_encrypted = true
  kms_key_id        = var.key_arns.database

  backup_retention_period         = var.database.backup_retention_days
  copy_tags_to_snapshot           = true
  deletion_protection             = var.deletion_protection
  skip_final_snapshot             = false
  final_snapshot_identifier       = "${local.name}-standby-${var.final_snapshot_suffix}"
  enabled_cloudwatch_logs_exports = ["postgresql"]

  serverlessv2_scaling_configuration {
    min_capacity = var.database.capacity.min
    max_capacity = var.database.capacity.max
  }

  lifecycle {
    ignore_changes = [replication_source_identifier]
  }

  depends_on = [aws_cloudwatch_log_group.this]
}

resource "aws_rds_cluster_instance" "this" {
  #checkov:skip=CKV_AWS_118:enhanced monitoring comes with the primary's instances; the standby's run for the time of a failover
  provider = aws.standby
  for_each = local.instances

  identifier                      = each.value
  cluster_identifier              = aws_rds_cluster.this.id
  engine                          = aws_rds_cluster.this.engine
  engine_version                  = aws_rds_cluster.this.engine_version
  instance_class                  = "db.serverless"
  publicly_accessible             = false
  auto_minor_version_upgrade      = true
  copy_tags_to_snapshot           = true
  performance_insights_enabled    = true
  performance_insights_kms_key_id = var.key_arns.database
}

# ---- DynamoDB: both copies accept writes ----------------------------------------------------------------------

resource "aws_dynamodb_table_replica" "this" {
  provider = aws.standby
  for_each = var.tables

  global_table_arn            = each.value
  kms_key_arn                 = var.key_arns.tables
  point_in_time_recovery      = true
  deletion_protection_enabled = var.deletion_protection
}
