# Services that observe the account, each by variable, and what they find as alarms.

locals {
  has = { for name in ["guardduty", "security_hub", "config", "inspector"] : name => contains(var.services, name) }

  guardduty_features = local.has.guardduty ? toset(["S3_DATA_EVENTS", "RDS_LOGIN_EVENTS", "LAMBDA_NETWORK_LOGS"]) : toset([])

  # AWS's managed rules, with their parameters.
  rules = {
    secret-age            = { identifier = "SECRETSMANAGER_SECRET_PERIODIC_ROTATION", parameters = { maxDaysSinceRotation = tostring(var.max_secret_age_days) } }
    secret-rotation       = { identifier = "SECRETSMANAGER_SCHEDULED_ROTATION_SUCCESS_CHECK", parameters = {} }
    certificate-expiry    = { identifier = "ACM_CERTIFICATE_EXPIRATION_CHECK", parameters = { daysToExpiration = "30" } }
    bucket-public-read    = { identifier = "S3_BUCKET_PUBLIC_READ_PROHIBITED", parameters = {} }
    bucket-public-write   = { identifier = "S3_BUCKET_PUBLIC_WRITE_PROHIBITED", parameters = {} }
    bucket-tls            = { identifier = "S3_BUCKET_SSL_REQUESTS_ONLY", parameters = {} }
    database-public       = { identifier = "RDS_INSTANCE_PUBLIC_ACCESS_CHECK", parameters = {} }
    function-public       = { identifier = "LAMBDA_FUNCTION_PUBLIC_ACCESS_PROHIBITED", parameters = {} }
    trail-enabled         = { identifier = "CLOUD_TRAIL_ENABLED", parameters = {} }
    root-has-mfa          = { identifier = "ROOT_ACCOUNT_MFA_ENABLED", parameters = {} }
    security-group-closed = { identifier = "VPC_SG_OPEN_ONLY_TO_AUTHORIZED_PORTS", parameters = { authorizedTcpPorts = "443" } }
  }

  findings = {
    guardduty = {
      enabled  = local.has.guardduty
      severity = "page"
      pattern = {
        source      = ["aws.guardduty"]
        detail-type = ["GuardDuty Finding"]
        detail      = { severity = [{ numeric = [">=", 7] }] }
      }
    }
    config = {
      enabled  = local.has.config
      severity = "ticket"
      pattern = {
        source      = ["aws.config"]
        detail-type = ["Config Rules Compliance Change"]
        detail = {
          configRuleName      = [{ prefix = "${var.prefix}-" }]
          newEvaluationResult = { complianceType = ["NON_COMPLIANT"] }
        }
      }
    }
    security-hub = {
      enabled  = local.has.security_hub
      severity = "ticket"
      pattern = {
        source      = ["aws.securityhub"]
        detail-type = ["Security Hub Findings - Imported"]
        detail = {
          findings = { Severity = { Label = ["CRITICAL"] }, Workflow = { Status = ["NEW"] }, RecordState = ["ACTIVE"] }
        }
      }
    }
    inspector = {
      enabled  = local.has.inspector
      severity = "ticket"
      pattern = {
        source      = ["aws.inspector2"]
        detail-type = ["Inspector2 Finding"]
        detail      = { severity = ["CRITICAL", "HIGH"], status = ["ACTIVE"] }
      }
    }
  }

  enabled_findings = { for name, finding in local.findings : name => finding if finding.enabled }
}

resource "aws_guardduty_detector" "this" {
  #checkov:skip=CKV2_AWS_3:One account; an organization's security account would enable it for all.
  count = local.has.guardduty ? 1 : 0

  enable                       = true
  finding_publishing_frequency = "FIFTEEN_MINUTES"
}

resource "aws_guardduty_detector_feature" "this" {
  for_each = local.guardduty_features

  detector_id = aws_guardduty_detector.this[0].id
  name        = each.key
  status      = "ENABLED"
}

resource "aws_securityhub_account" "this" {
  count = local.has.security_hub ? 1 : 0

  enable_default_standards = false
}

resource "aws_securityhub_standards_subscription" "this" {
  count = local.has.security_hub ? 1 : 0

  standards_arn = "arn:aws:securityhub:${var.region}::standards/aws-foundational-security-best-practices/v/1.0.0"

  depends_on = [aws_securityhub_account.this]
}

resource "aws_inspector2_enabler" "this" {
  count = local.has.inspector ? 1 : 0

  account_ids    = [var.account_id]
  resource_types = ["LAMBDA"]
}

resource "aws_config_config_rule" "this" {
  for_each = { for name, rule in local.rules : name => rule if local.has.config }

  name             = "${var.prefix}-${each.key}"
  input_parameters = length(each.value.parameters) == 0 ? null : jsonencode(each.value.parameters)

  source {
    owner             = "AWS"
    source_identifier = each.value.identifier
  }

  depends_on = [aws_config_configuration_recorder_status.this]
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = local.enabled_findings

  name          = "${var.prefix}-finding-${each.key}"
  description   = "Findings of ${each.key}"
  event_pattern = jsonencode(each.value.pattern)
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = local.enabled_findings

  rule = aws_cloudwatch_event_rule.this[each.key].name
  arn  = var.topic_arns[each.value.severity]
}
