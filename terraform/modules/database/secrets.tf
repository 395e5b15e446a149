# The passwords of the database roles, and the proxy that uses them. No function can read these secrets except the one that rotates them.

locals {
  # Aurora creates and rotates the owner's secret itself, except in a global database.
  secret_users = setunion(var.users, var.is_global ? [var.owner] : [])

  secret_arns = merge(
    { for user, secret in aws_secretsmanager_secret.this : user => secret.arn },
    var.is_global ? {} : { (var.owner) = one(aws_rds_cluster.this.master_user_secret[*].secret_arn) },
  )
}

resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV2_AWS_57:the module rotation rotates it, with the function that the catalog names
  for_each = local.secret_users

  name                    = "${replace(var.prefix, "-", "/")}/${var.secrets_path}/${each.key}"
  description             = "Password of the database role ${each.key}"
  kms_key_id              = var.secrets_key_arn
  recovery_window_in_days = 30

  dynamic "replica" {
    for_each = var.replica == null ? [] : [var.replica]

    content {
      region     = replica.value.region
      kms_key_id = replica.value.key_arn
    }
  }
}

# The user name is all that a secret needs before its first rotation, which sets the password in the database, too. The stage "initial"
# keeps this version: Secrets Manager deletes versions without a stage, and Terraform would put a deleted one back over the password.
resource "aws_secretsmanager_secret_version" "this" {
  for_each = local.secret_users

  secret_id                = aws_secretsmanager_secret.this[each.key].id
  secret_string_wo         = jsonencode(merge({ username = each.key }, each.key == var.owner ? { password = var.owner_password } : {}))
  secret_string_wo_version = 1
  version_stages           = ["initial"]

  lifecycle {
    ignore_changes = [version_stages]
  }
}

module "proxy" {
  source = "../proxy"

  prefix              = var.prefix
  account_id          = var.account_id
  region              = var.region
  cluster_identifier  = aws_rds_cluster.this.cluster_identifier
  secret_arns         = local.secret_arns
  connections_percent = var.proxy_connections_percent
  subnet_ids          = var.subnet_ids
  security_group_id   = var.security_group_ids.proxy
  logs_key_arn        = var.logs_key_arn
  log_retention_days  = var.log_retention_days

  permissions_boundary = var.permissions_boundary
}
