# Groups of traces: what failed, what is slow, and each journey.

locals {
  trace_groups = merge(
    {
      faults = "fault = true"
      slow   = "responsetime > 2"
    },
    {
      for name, journey in var.journeys : name => join(" OR ", [for function in journey.functions : "service(\"${var.prefix}-${function.name}\")"])
    },
  )
}

resource "aws_xray_group" "this" {
  for_each = local.trace_groups

  group_name        = "${var.prefix}-${each.key}"
  filter_expression = each.value

  insights_configuration {
    insights_enabled      = each.key == "faults"
    notifications_enabled = each.key == "faults"
  }
}

# Errors and slow requests show in logs and metrics of every invocation; traces of a share of them are enough to see where time goes.
resource "aws_xray_sampling_rule" "this" {
  rule_name      = var.prefix
  priority       = 1000
  version        = 1
  reservoir_size = 0
  fixed_rate     = var.trace_sampling
  host           = "*"
  http_method    = "*"
  resource_arn   = "*"
  service_name   = "${var.prefix}-*"
  service_type   = "*"
  url_path       = "*"
}
