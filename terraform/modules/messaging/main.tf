locals {
  arn = "arn:${var.arn_scope.partition}:%s:${var.arn_scope.region}:${var.arn_scope.account_id}:%s"

  # The queue for events that a rule, a subscription or a schedule could not deliver.
  undelivered = var.queue_settings.undelivered

  # Known in the plan, so that policies can be read and tested before they are applied.
  queue_arns       = { for name in keys(var.queues) : name => format(local.arn, "sqs", "${var.prefix}-${name}") }
  dead_letter_arns = { for name, physical in local.dead_letter_names : name => format(local.arn, "sqs", "${var.prefix}-${physical}") }
  topic_arns       = { for name in keys(var.topics) : name => format(local.arn, "sns", "${var.prefix}-${name}") }

  bus_name      = "${var.prefix}-${var.bus}"
  rule_arn      = format(local.arn, "events", "rule/${local.bus_name}/${var.prefix}-%s")
  schedule_arns = [for name in keys(var.schedules) : format(local.arn, "events", "rule/${var.prefix}-${name}")]
  queue_rules   = { for name, rule in var.rules : rule.queue => name if rule.queue != null }
  topic_rules   = { for name, rule in var.rules : rule.topic => name if rule.topic != null }
  all_rule_arns = concat([for name in keys(var.rules) : format(local.rule_arn, name)], local.schedule_arns)
}

# Without a key of ours, because a bus with one has no archive.
resource "aws_cloudwatch_event_bus" "this" {
  name = local.bus_name
  tags = var.tags
}

resource "aws_cloudwatch_event_archive" "this" {
  name             = local.bus_name
  description      = "Events of the platform, for replay."
  event_source_arn = aws_cloudwatch_event_bus.this.arn
  event_pattern    = var.archive.pattern
  retention_days   = var.archive.retention_days
}

resource "aws_cloudwatch_event_rule" "this" {
  for_each = var.rules

  name           = "${var.prefix}-${each.key}"
  description    = "Events for ${coalesce(each.value.queue, each.value.topic)}."
  event_bus_name = aws_cloudwatch_event_bus.this.name
  event_pattern  = each.value.pattern
  tags           = var.tags
}

resource "aws_cloudwatch_event_target" "this" {
  for_each = var.rules

  rule           = aws_cloudwatch_event_rule.this[each.key].name
  event_bus_name = aws_cloudwatch_event_bus.this.name
  target_id      = "target"
  arn            = each.value.queue == null ? local.topic_arns[each.value.topic] : local.queue_arns[each.value.queue]

  dead_letter_config {
    arn = local.dead_letter_arns[local.undelivered]
  }

  retry_policy {
    maximum_retry_attempts       = var.deliveries.retries
    maximum_event_age_in_seconds = var.deliveries.age_s
  }

  # Events that match before the queue accepts them would be lost.
  depends_on = [aws_sqs_queue_policy.this, aws_sqs_queue_policy.dead_letters, aws_sns_topic_policy.this]
}
