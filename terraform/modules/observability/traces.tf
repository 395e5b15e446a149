# Groups of traces in X-Ray: what failed, what is slow, and each journey. An HTTP API records nothing there, and which requests of a
# function are recorded is Lambda's decision: sampling rules do not apply.

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
  for_each = var.has_traces ? local.trace_groups : {}

  group_name        = "${var.prefix}-${each.key}"
  filter_expression = each.value

  insights_configuration {
    insights_enabled      = each.key == "faults"
    notifications_enabled = each.key == "faults"
  }
}
