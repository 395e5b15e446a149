# Schedules are on the default bus: others do not take them.
resource "aws_cloudwatch_event_rule" "schedule" {
  for_each = var.schedules

  name                = "${var.prefix}-${each.key}"
  description         = "Schedule of ${each.key}."
  schedule_expression = each.value.expression
  tags                = var.tags
}

resource "aws_cloudwatch_event_target" "schedule" {
  for_each = var.schedules

  rule      = aws_cloudwatch_event_rule.schedule[each.key].name
  target_id = "target"
  arn       = each.value.alias_arn

  dead_letter_config {
    arn = local.dead_letter_arns[local.undelivered]
  }

  retry_policy {
    maximum_retry_attempts       = var.deliveries.retries
    maximum_event_age_in_seconds = var.deliveries.age_s
  }

  depends_on = [aws_lambda_permission.schedule, aws_sqs_queue_policy.dead_letters]
}

resource "aws_lambda_permission" "schedule" {
  for_each = var.schedules

  statement_id  = "Schedule"
  action        = "lambda:InvokeFunction"
  function_name = each.value.function_name
  qualifier     = each.value.alias
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.schedule[each.key].arn
}
