# RDS Proxy before an Aurora cluster. Functions log in with an IAM token for their context's role; the proxy logs in at the database with
# that role's password, which it reads from the role's secret.

locals {
  name = "${var.prefix}-database"
}

resource "aws_iam_role" "this" {
  # IAM is global: the region keeps the roles of two regions apart.
  name                 = "${local.name}-proxy-${var.region}"
  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "rds.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

# The key of the secrets lets Secrets Manager decrypt for whoever may read them, so that no statement about the key is needed.
resource "aws_iam_role_policy" "this" {
  name = "read-role-secrets"
  role = aws_iam_role.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "RoleSecrets"
      Effect   = "Allow"
      Action   = ["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"]
      Resource = [for user in sort(keys(var.secret_arns)) : var.secret_arns[user]]
    }]
  })
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:the archive bucket of the primary region has them for a year; those of a standby are of the time of a failover
  name              = "/aws/rds/proxy/${local.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.logs_key_arn
}

resource "aws_db_proxy" "this" {
  name                   = local.name
  engine_family          = "POSTGRESQL"
  role_arn               = aws_iam_role.this.arn
  vpc_subnet_ids         = var.subnet_ids
  vpc_security_group_ids = [var.security_group_id]
  require_tls            = true
  # Longer than Lambda keeps an idle environment, so that a warm function finds its connection.
  idle_client_timeout = 1800
  # Would log statements with their parameters.
  debug_logging = false

  dynamic "auth" {
    for_each = var.secret_arns

    content {
      description               = "Role ${auth.key}"
      auth_scheme               = "SECRETS"
      client_password_auth_type = "POSTGRES_SCRAM_SHA_256"
      iam_auth                  = "REQUIRED"
      secret_arn                = auth.value
    }
  }

  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.this]
}

resource "aws_db_proxy_default_target_group" "this" {
  db_proxy_name = aws_db_proxy.this.name

  connection_pool_config {
    max_connections_percent      = var.connections_percent
    max_idle_connections_percent = floor(var.connections_percent / 2)
    # Shorter than a function's time to connect, so that an exhausted pool becomes 503 and not a time-out.
    connection_borrow_timeout = 2
  }
}

resource "aws_db_proxy_target" "this" {
  db_proxy_name         = aws_db_proxy.this.name
  target_group_name     = aws_db_proxy_default_target_group.this.name
  db_cluster_identifier = var.cluster_identifier
}
