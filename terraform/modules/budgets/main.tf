# A budget for the account and for single services, and what costs unexpectedly more than usual. An environment has an account of its own.

locals {
  budgets = merge(
    { total = { usd = var.monthly_usd, service = null } },
    { for name, usd in var.service_usd : lower(replace(name, "/[^A-Za-z0-9]+/", "-")) => { usd = usd, service = name } },
  )
}

resource "aws_budgets_budget" "this" {
  for_each = local.budgets

  name         = "${var.prefix}-${each.key}"
  budget_type  = "COST"
  limit_amount = tostring(each.value.usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  dynamic "cost_filter" {
    for_each = each.value.service == null ? [] : [each.value.service]

    content {
      name   = "Service"
      values = [cost_filter.value]
    }
  }

  notification {
    notification_type          = "ACTUAL"
    comparison_operator        = "GREATER_THAN"
    threshold                  = 80
    threshold_type             = "PERCENTAGE"
    subscriber_email_addresses = var.emails
    subscriber_sns_topic_arns  = [var.topic_arns["ticket"]]
  }

  notification {
    notification_type          = "FORECASTED"
    comparison_operator        = "GREATER_THAN"
    threshold                  = 100
    threshold_type             = "PERCENTAGE"
    subscriber_email_addresses = var.emails
    subscriber_sns_topic_arns  = [var.topic_arns["ticket"]]
  }
}

# An account has one monitor of all services at most, and Cost Explorer creates it when it is first used.
resource "aws_ce_anomaly_monitor" "this" {
  count = var.anomaly_monitor_arn == null ? 1 : 0

  name              = var.prefix
  monitor_type      = "DIMENSIONAL"
  monitor_dimension = "SERVICE"
}

resource "aws_ce_anomaly_subscription" "this" {
  name             = var.prefix
  frequency        = "IMMEDIATE"
  monitor_arn_list = [coalesce(var.anomaly_monitor_arn, one(aws_ce_anomaly_monitor.this[*].arn))]

  subscriber {
    type    = "SNS"
    address = var.topic_arns["ticket"]
  }

  threshold_expression {
    dimension {
      key           = "ANOMALY_TOTAL_IMPACT_ABSOLUTE"
      match_options = ["GREATER_THAN_OR_EQUAL"]
      values        = [tostring(var.anomaly_usd)]
    }
  }
}
