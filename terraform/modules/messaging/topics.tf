locals {
  # Who may publish to a topic, by its source: the topic's rule, or SES of this account.
  publishers = {
    for name, topic in var.topics : name => merge(
      {
        Sid       = title(topic.source)
        Effect    = "Allow"
        Principal = { Service = topic.source == "bus" ? "events.amazonaws.com" : "ses.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = local.topic_arns[name]
      },
      {
        for key in topic.source == "bus" ? ["Condition"] : [] : key => {
          ArnEquals = { "aws:SourceArn" = format(local.rule_arn, local.topic_rules[name]) }
        }
      },
      {
        for key in topic.source == "email" ? ["Condition"] : [] : key => {
          StringEquals = { "aws:SourceAccount" = var.arn_scope.account_id }
        }
      },
    )
  }
}

resource "aws_sns_topic" "this" {
  for_each = var.topics

  name              = "${var.prefix}-${each.key}"
  kms_master_key_id = var.key_arns.topics
  tags              = var.tags
}

resource "aws_sns_topic_policy" "this" {
  for_each = var.topics

  arn = aws_sns_topic.this[each.key].arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      local.publishers[each.key],
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = local.topic_arns[each.key]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_sns_topic_subscription" "this" {
  for_each = var.subscriptions

  topic_arn            = local.topic_arns[each.value.topic]
  protocol             = "sqs"
  endpoint             = local.queue_arns[each.key]
  raw_message_delivery = true
  filter_policy        = each.value.events == null ? null : jsonencode({ "detail-type" = each.value.events })
  filter_policy_scope  = each.value.events == null ? null : "MessageBody"
  redrive_policy       = jsonencode({ deadLetterTargetArn = local.dead_letter_arns[local.undelivered] })

  depends_on = [aws_sns_topic.this, aws_sqs_queue_policy.this, aws_sqs_queue_policy.dead_letters]
}
