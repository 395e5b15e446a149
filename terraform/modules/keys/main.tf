# One customer managed key for each concern: a key can be audited, rotated and disabled without touching the other data.

data "aws_partition" "this" {}

locals {
  arn_prefix = "arn:${data.aws_partition.this.partition}"
  root_arn   = "${local.arn_prefix}:iam::${var.account_id}:root"

  # through: services that use the key for whoever may use their resource, as with keys that AWS manages.
  # services: services that use the key as themselves.
  concerns = {
    artifacts = { through = ["s3"], services = [] }
    buckets   = { through = ["s3"], services = [] }
    cache     = { through = ["elasticache"], services = [] }
    database  = { through = ["rds"], services = [] }
    kafka     = { through = ["kafka"], services = [] }
    logs      = { through = ["s3"], services = ["cloudtrail.amazonaws.com"] }
    queues    = { through = ["sqs"], services = ["events.amazonaws.com", "sns.amazonaws.com"] }
    secrets   = { through = ["secretsmanager"], services = [] }
    streams   = { through = ["kinesis"], services = [] }
    tables    = { through = ["dynamodb"], services = [] }
    topics = {
      through = ["sns"]
      services = [
        "budgets.amazonaws.com", "cloudwatch.amazonaws.com", "codestar-notifications.amazonaws.com", "costalerts.amazonaws.com",
        "events.amazonaws.com", "ses.amazonaws.com",
      ]
    }
  }

  administration = {
    Sid       = "AccountAdministration"
    Effect    = "Allow"
    Principal = { AWS = local.root_arn }
    Action    = "kms:*"
    Resource  = "*"
  }

  through = {
    for concern, key in local.concerns : concern => [
      {
        Sid       = "UseThroughService"
        Effect    = "Allow"
        Principal = { AWS = "*" }
        Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource  = "*"
        Condition = {
          StringEquals = {
            "kms:CallerAccount" = var.account_id
            "kms:ViaService"    = [for service in key.through : "${service}.${var.region}.amazonaws.com"]
          }
        }
      },
      {
        Sid       = "GrantThroughService"
        Effect    = "Allow"
        Principal = { AWS = "*" }
        Action    = "kms:CreateGrant"
        Resource  = "*"
        Condition = {
          Bool = { "kms:GrantIsForAWSResource" = "true" }
          StringEquals = {
            "kms:CallerAccount" = var.account_id
            "kms:ViaService"    = [for service in key.through : "${service}.${var.region}.amazonaws.com"]
          }
        }
      },
    ]
  }

  services = {
    for concern, key in local.concerns : concern => [
      for service in key.services : {
        Sid       = "Use${replace(title(replace(split(".", service)[0], "-", " ")), " ", "")}"
        Effect    = "Allow"
        Principal = { Service = service }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
      }
    ]
  }

  # CloudWatch Logs names the log group in the encryption context and sends no source account.
  logs = [{
    Sid       = "UseLogs"
    Effect    = "Allow"
    Principal = { Service = "logs.${var.region}.amazonaws.com" }
    Action    = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    Resource  = "*"
    Condition = {
      ArnLike = {
        "kms:EncryptionContext:aws:logs:arn" = "${local.arn_prefix}:logs:${var.region}:${var.account_id}:log-group:*"
      }
    }
  }]

  policies = {
    for concern in keys(local.concerns) : concern => jsonencode({
      Version = "2012-10-17"
      Statement = concat(
        [local.administration],
        local.through[concern],
        local.services[concern],
        concern == "logs" ? local.logs : [],
      )
    })
  }
}

resource "aws_kms_key" "this" {
  for_each = local.concerns

  description             = "${var.prefix}: ${each.key}"
  deletion_window_in_days = 30
  enable_key_rotation     = true
  policy                  = local.policies[each.key]
}

resource "aws_kms_alias" "this" {
  for_each = local.concerns

  name          = "alias/${var.prefix}-${each.key}"
  target_key_id = aws_kms_key.this[each.key].key_id
}
