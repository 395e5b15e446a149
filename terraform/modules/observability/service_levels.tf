# Burn rates of the error budgets. Each window of each kind of failure is an alarm without an action; a composite alarm per burn rate
# notifies while the long and the short window of one kind both burn.
#
# CloudWatch aggregates at most one day: the window of three days is three days in a row, each over the limit. What that misses, one
# worse day among better ones, the burn rate of one day finds.

locals {
  day = 86400

  windows = merge([
    for name, journey in var.journeys : merge([
      for burn, rate in var.burn_rates : {
        for pair in setproduct(["errors", "slow"], ["long", "short"]) : "burn-rate-${name}-${burn}-${pair[0]}-${pair[1]}" => {
          journey   = name
          kind      = pair[0]
          seconds   = pair[1] == "long" ? rate.long_s : rate.short_s
          threshold = rate.factor * (1 - (pair[0] == "errors" ? journey.available : journey.fast))
        }
      }
    ]...)
  ]...)

  composites = merge([
    for name, journey in var.journeys : {
      for burn, rate in var.burn_rates : "burn-rate-${name}-${burn}" => { journey = name, rate = rate }
    }
  ]...)

  # The series of a journey's functions: what failed or took too long, and what was called.
  series = {
    for name, journey in var.journeys : name => {
      errors = merge([
        for index, function in journey.functions : {
          "errors${index}"    = { namespace = "AWS/Lambda", metric = "Errors", statistic = "Sum", function = function, is_aws = true }
          "throttles${index}" = { namespace = "AWS/Lambda", metric = "Throttles", statistic = "Sum", function = function, is_aws = true }
          "calls${index}"     = { namespace = "AWS/Lambda", metric = "Invocations", statistic = "Sum", function = function, is_aws = true }
          "served${index}"    = { namespace = var.namespace, metric = "ServerErrors", statistic = "Sum", function = function, is_aws = false }
        }
      ]...)
      # TC(x:) counts the values above x.
      slow = merge([
        for index, function in journey.functions : {
          "slow${index}"  = { namespace = var.namespace, metric = "Latency", statistic = "TC(${journey.within_ms}:)", function = function, is_aws = false }
          "calls${index}" = { namespace = var.namespace, metric = "Latency", statistic = "SampleCount", function = function, is_aws = false }
        }
      ]...)
      mean = merge([
        for index, function in journey.functions : {
          "sum${index}"   = { namespace = var.namespace, metric = "Latency", statistic = "Sum", function = function, is_aws = false }
          "calls${index}" = { namespace = var.namespace, metric = "Latency", statistic = "SampleCount", function = function, is_aws = false }
        }
      ]...)
    }
  }

  # Division by zero, when nothing was called, gives no value, and no value does not breach.
  expressions = {
    for name, journey in var.journeys : name => {
      errors = format("(%s)/(%s)",
        join("+", [for index, function in journey.functions : "FILL(errors${index},0)+FILL(throttles${index},0)+FILL(served${index},0)"]),
        join("+", [for index, function in journey.functions : "FILL(calls${index},0)+FILL(throttles${index},0)"]),
      )
      slow = format("(%s)/(%s)",
        join("+", [for index, function in journey.functions : "FILL(slow${index},0)"]),
        join("+", [for index, function in journey.functions : "FILL(calls${index},0)"]),
      )
      mean = format("(%s)/(%s)",
        join("+", [for index, function in journey.functions : "FILL(sum${index},0)"]),
        join("+", [for index, function in journey.functions : "FILL(calls${index},0)"]),
      )
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "window" {
  #checkov:skip=CKV_AWS_319:The composite alarm over its windows notifies; a window alone must not.
  for_each = local.windows

  alarm_name          = "${var.prefix}-${each.key}"
  alarm_description   = "A window of the burn rate of ${each.value.journey}. Runbook: ${var.runbook_url}/${var.journeys[each.value.journey].runbook}"
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.threshold
  evaluation_periods  = ceil(each.value.seconds / local.day)
  datapoints_to_alarm = ceil(each.value.seconds / local.day)
  treat_missing_data  = "notBreaching"

  metric_query {
    id          = "share"
    expression  = local.expressions[each.value.journey][each.value.kind]
    label       = each.value.kind == "errors" ? "share of failed requests" : "share of slow requests"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = local.series[each.value.journey][each.value.kind]

    content {
      id = metric_query.key

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.metric
        stat        = metric_query.value.statistic
        period      = min(each.value.seconds, local.day)
        dimensions = metric_query.value.is_aws ? {
          FunctionName = "${var.prefix}-${metric_query.value.function.name}"
          } : {
          service       = metric_query.value.function.context
          function_name = metric_query.value.function.name
        }
      }
    }
  }
}

resource "aws_cloudwatch_composite_alarm" "this" {
  for_each = local.composites

  alarm_name        = "${var.prefix}-${each.key}"
  alarm_description = "${var.journeys[each.value.journey].summary} The error budget of 30 days is used up ${each.value.rate.factor} times too fast. Runbook: ${var.runbook_url}/${var.journeys[each.value.journey].runbook}"
  alarm_actions     = [var.topic_arns[each.value.rate.severity]]
  ok_actions        = [var.topic_arns[each.value.rate.severity]]

  alarm_rule = join(" OR ", [
    for kind in ["errors", "slow"] : format("(ALARM(\"%s\") AND ALARM(\"%s\"))",
      aws_cloudwatch_metric_alarm.window["${each.key}-${kind}-long"].alarm_name,
      aws_cloudwatch_metric_alarm.window["${each.key}-${kind}-short"].alarm_name,
    )
  ])
}

resource "aws_cloudwatch_metric_alarm" "mean" {
  for_each = var.journeys

  alarm_name          = "${var.prefix}-slow-${each.key}"
  alarm_description   = "${each.value.summary} Requests take over ${each.value.mean_ms} ms on average. Runbook: ${var.runbook_url}/${each.value.runbook}"
  alarm_actions       = [var.topic_arns["ticket"]]
  ok_actions          = [var.topic_arns["ticket"]]
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.mean_ms
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"

  metric_query {
    id          = "mean"
    expression  = local.expressions[each.key].mean
    label       = "mean duration"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = local.series[each.key].mean

    content {
      id = metric_query.key

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.metric
        stat        = metric_query.value.statistic
        period      = 3600
        dimensions = {
          service       = metric_query.value.function.context
          function_name = metric_query.value.function.name
        }
      }
    }
  }
}
