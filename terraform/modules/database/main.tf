# Aurora PostgreSQL Serverless v2. Its owner and the role of each context log in through RDS Proxy only (secrets.tf).

data "aws_partition" "this" {}

locals {
  name = "${var.prefix}-database"

  instances = { for number in range(var.instances) : number => "${local.name}-${number}" }
}

resource "aws_db_subnet_group" "this" {
  name        = local.name
  description = "Subnets without a route to the internet"
  subnet_ids  = var.subnet_ids
}

moved {
  from = aws_rds_cluster_parameter_group.this
  to   = module.parameters.aws_rds_cluster_parameter_group.this
}

module "parameters" {
  source = "../database-parameters"

  name            = local.name
  engine_version  = var.engine_version
  max_connections = var.max_connections
}

resource "aws_cloudwatch_log_group" "cluster" {
  #checkov:skip=CKV_AWS_338:the archive bucket of the primary region has them for a year; those of a standby are of the time of a failover
  name              = "/aws/rds/cluster/${local.name}/postgresql"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.logs_key_arn
}

resource "aws_rds_cluster" "this" {
  #checkov:skip=CKV2_AWS_8:automatic backups with point-in-time recovery are kept for backup_retention_days, and the standby region has a copy
  #checkov:skip=CKV_AWS_139:deletion protection follows a variable, so that a development environment can be removed; a test asserts it for prod
  cluster_identifier = local.name
  engine             = "aurora-postgresql"
  engine_mode        = "provisioned"
  engine_version     = var.engine_version
  database_name      = var.database_name

  master_username = var.owner
  # Aurora cannot manage the password of a cluster in a global database.
  manage_master_user_password   = var.is_global ? null : true
  master_user_secret_kms_key_id = var.is_global ? null : var.secrets_key_arn
  master_password_wo            = var.is_global ? var.owner_password : null
  master_password_wo_version    = var.is_global ? var.owner_password_version : null

  iam_database_authentication_enabled = true
  db_subnet_group_name                = aws_db_subnet_group.this.name
  db_cluster_parameter_group_name     = module.parameters.name
  vpc_security_group_ids              = [var.security_group_ids.database]

  storage_encrypted = true
  kms_key_id        = var.key_arn

  backup_retention_period      = var.backup_retention_days
  preferred_backup_window      = "02:00-03:00"
  preferred_maintenance_window = "sun:03:30-sun:04:30"
  copy_tags_to_snapshot        = true
  deletion_protection          = var.deletion_protection
  # Data survives a teardown unless someone deletes the snapshot, too.
  skip_final_snapshot       = false
  final_snapshot_identifier = "${local.name}-${var.final_snapshot_suffix}"
  delete_automated_backups  = false

  enabled_cloudwatch_logs_exports = ["postgresql"]

  serverlessv2_scaling_configuration {
    min_capacity = var.capacity.min
    max_capacity = var.capacity.max
  }

  lifecycle {
    # The global cluster of the standby adopts this cluster.
    ignore_changes = [global_cluster_identifier]
  }

  depends_on = [aws_cloudwatch_log_group.cluster]
}

resource "aws_rds_cluster_instance" "this" {
  for_each = local.instances

  identifier         = each.value
  cluster_identifier = aws_rds_cluster.this.id
  engine             = aws_rds_cluster.this.engine
  engine_version     = aws_rds_cluster.this.engine_version
  instance_class     = "db.serverless"
  # The readers that scale with the writer can take over at once.
  promotion_tier = tonumber(each.key) == 0 ? 0 : 1

  publicly_accessible        = false
  auto_minor_version_upgrade = true
  copy_tags_to_snapshot      = true

  performance_insights_enabled    = true
  performance_insights_kms_key_id = var.key_arn
  monitoring_interval             = 60
  monitoring_role_arn             = aws_iam_role.monitoring.arn
}

resource "aws_iam_role" "monitoring" {
  name                 = "${local.name}-monitoring"
  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "monitoring.rds.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "monitoring" {
  role       = aws_iam_role.monitoring.name
  policy_arn = "arn:${data.aws_partition.this.partition}:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}
