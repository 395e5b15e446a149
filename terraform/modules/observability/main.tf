# One alarm per entry of the catalog. Its description links to the runbook; its action is the topic of its severity.

locals {
  # An alarm on the certificate becomes one for each.
  on_certificates = merge([
    for name, alarm in var.alarms : {
      for purpose, arn in var.certificates : "${name}-${purpose}" => merge(alarm, {
        dimensions = { for dimension, value in alarm.dimensions : dimension => { literal = arn, physical = null, resource = null } }
      })
    } if anytrue([for value in values(alarm.dimensions) : value.resource == "certificate_arn"])
  ]...)

  alarms = merge(local.on_certificates, {
    for name, alarm in var.alarms : name => alarm
    if alltrue([for value in values(alarm.dimensions) : value.resource == null || contains(keys(var.resources), coalesce(value.resource, "-"))])
  })

  dimensions = {
    for name, alarm in local.alarms : name => {
      for dimension, value in alarm.dimensions : dimension => (
        value.literal != null ? value.literal : value.physical != null ? "${var.prefix}-${value.physical}" : var.resources[value.resource]
      )
    }
  }

  # An alarm on a single series, unlike one on a query over all functions or on a band of expected values.
  is_single = { for name, alarm in local.alarms : name => alarm.query == null && alarm.band == null }

  # A new version shows in these. A message is refused, and a request answered with a server error, by a successful invocation. The
  # dead-letter queue is told from the queue by the metric: alarms on a queue observe its age.
  rollback_metrics = [
    "AWS/Lambda Errors", "AWS/Lambda Throttles", "AWS/Lambda Duration", "${var.namespace} ServerErrors",
    "AWS/SQS ApproximateNumberOfMessagesVisible",
  ]

  trail = { for name, alarm in local.alarms : name => alarm if alarm.pattern != null }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = local.alarms

  alarm_name        = "${var.prefix}-${each.key}"
  alarm_description = "${each.value.summary} Runbook: ${var.runbook_url}/${each.value.runbook}"
  alarm_actions     = [var.topic_arns[each.value.severity]]
  ok_actions        = [var.topic_arns[each.value.severity]]

  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  threshold_metric_id = each.value.band == null ? null : "band"
  evaluation_periods  = each.value.periods
  datapoints_to_alarm = each.value.datapoints
  treat_missing_data  = each.value.missing

  namespace          = local.is_single[each.key] ? each.value.namespace : null
  metric_name        = local.is_single[each.key] ? each.value.metric : null
  period             = local.is_single[each.key] ? each.value.period_s : null
  dimensions         = local.is_single[each.key] ? local.dimensions[each.key] : null
  statistic          = local.is_single[each.key] && !startswith(each.value.statistic, "p") ? each.value.statistic : null
  extended_statistic = local.is_single[each.key] && startswith(each.value.statistic, "p") ? each.value.statistic : null

  dynamic "metric_query" {
    for_each = each.value.query == null ? [] : [each.value.query]

    content {
      id          = "total"
      expression  = metric_query.value
      label       = each.value.metric
      period      = each.value.period_s
      return_data = true
    }
  }

  dynamic "metric_query" {
    for_each = each.value.band == null ? [] : [each.value.band]

    content {
      id          = "band"
      expression  = "ANOMALY_DETECTION_BAND(observed, ${metric_query.value})"
      label       = "expected"
      return_data = true
    }
  }

  dynamic "metric_query" {
    for_each = each.value.band == null ? [] : [each.value.metric]

    content {
      id          = "observed"
      return_data = true

      metric {
        namespace   = each.value.namespace
        metric_name = metric_query.value
        period      = each.value.period_s
        stat        = each.value.statistic
        dimensions  = local.dimensions[each.key]
      }
    }
  }
}

# Metrics that no service emits: events of the audit trail, counted.
resource "aws_cloudwatch_log_metric_filter" "this" {
  for_each = local.trail

  name           = "${var.prefix}-${each.key}"
  log_group_name = var.trail_log_group
  pattern        = each.value.pattern

  metric_transformation {
    namespace     = each.value.namespace
    name          = each.value.metric
    value         = "1"
    default_value = "0"
  }
}

# The sources of the dashboards have placeholders for the names that only Terraform knows.
resource "aws_cloudwatch_dashboard" "this" {
  for_each = fileset(var.dashboards_directory, "*.json")

  dashboard_name = "${var.prefix}-${trimsuffix(each.value, ".json")}"
  dashboard_body = templatefile("${var.dashboards_directory}/${each.value}", merge(
    { certificate_arn = try(values(var.certificates)[0], "none") },
    var.resources,
    { prefix = var.prefix, region = var.region },
  ))
}

# Queries of Logs Insights, kept as code. Log groups are chosen when a query is run: a definition names at most fifty.
resource "aws_cloudwatch_query_definition" "this" {
  for_each = fileset("${path.module}/queries", "*.txt")

  name         = "${var.prefix}/${trimsuffix(each.value, ".txt")}"
  query_string = file("${path.module}/queries/${each.value}")
}
