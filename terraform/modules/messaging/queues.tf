locals {
  # Dead-letter queues by consumer, and the one for undelivered events.
  dead_letter_names = merge(
    { for name in var.dead_letter_queues : name => "${name}${var.queue_settings.dead_letter_suffix}" },
    { (local.undelivered) = local.undelivered },
  )

  # Only the rule or the topic of a queue may send to it.
  queue_senders = merge(
    {
      for queue, rule in local.queue_rules : queue => [
        { service = "events.amazonaws.com", source_arns = [format(local.rule_arn, rule)] }
      ]
    },
    {
      for queue, subscription in var.subscriptions : queue => [
        { service = "sns.amazonaws.com", source_arns = [local.topic_arns[subscription.topic]] }
      ]
    },
  )
  dead_letter_senders = {
    (local.undelivered) = [
      for sender in [
        { service = "events.amazonaws.com", source_arns = local.all_rule_arns },
        { service = "sns.amazonaws.com", source_arns = values(local.topic_arns) },
      ] : sender if length(sender.source_arns) > 0
    ]
  }
}

resource "aws_sqs_queue" "dead_letters" {
  for_each = local.dead_letter_names

  name                              = "${var.prefix}-${each.value}"
  message_retention_seconds         = var.queue_settings.dead_letter_retention_s
  kms_master_key_id                 = var.key_arns.queues
  kms_data_key_reuse_period_seconds = 86400
  tags                              = var.tags
}

resource "aws_sqs_queue" "this" {
  for_each = var.queues

  name                              = "${var.prefix}-${each.key}"
  visibility_timeout_seconds        = each.value.visibility_s
  message_retention_seconds         = var.queue_settings.retention_s
  receive_wait_time_seconds         = 20
  kms_master_key_id                 = var.key_arns.queues
  kms_data_key_reuse_period_seconds = 86400
  tags                              = var.tags

  redrive_policy = jsonencode({
    deadLetterTargetArn = local.dead_letter_arns[each.key]
    maxReceiveCount     = var.queue_settings.max_receives
  })

  depends_on = [aws_sqs_queue.dead_letters]
}

# A dead-letter queue takes messages of its own queue only. Those of streams have none: Lambda sends to them.
resource "aws_sqs_queue_redrive_allow_policy" "this" {
  for_each = local.dead_letter_names

  queue_url = aws_sqs_queue.dead_letters[each.key].id
  redrive_allow_policy = jsonencode(merge(
    { redrivePermission = contains(keys(var.queues), each.key) ? "byQueue" : "denyAll" },
    { for key in contains(keys(var.queues), each.key) ? ["sourceQueueArns"] : [] : key => [local.queue_arns[each.key]] },
  ))

  depends_on = [aws_sqs_queue.this]
}

resource "aws_sqs_queue_policy" "this" {
  for_each = var.queues

  queue_url = aws_sqs_queue.this[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [local.tls_only_queue[each.key]],
      [for sender in lookup(local.queue_senders, each.key, []) : {
        Sid       = title(split(".", sender.service)[0])
        Effect    = "Allow"
        Principal = { Service = sender.service }
        Action    = "sqs:SendMessage"
        Resource  = local.queue_arns[each.key]
        Condition = { ArnEquals = { "aws:SourceArn" = sender.source_arns } }
      }],
    )
  })
}

resource "aws_sqs_queue_policy" "dead_letters" {
  for_each = local.dead_letter_names

  queue_url = aws_sqs_queue.dead_letters[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [local.tls_only_queue[each.value]],
      [for sender in lookup(local.dead_letter_senders, each.key, []) : {
        Sid       = title(split(".", sender.service)[0])
        Effect    = "Allow"
        Principal = { Service = sender.service }
        Action    = "sqs:SendMessage"
        Resource  = local.dead_letter_arns[each.key]
        Condition = { ArnEquals = { "aws:SourceArn" = sender.source_arns } }
      }],
    )
  })
}

locals {
  tls_only_queue = {
    for name in concat(keys(var.queues), values(local.dead_letter_names)) : name => {
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:*"
      Resource  = format(local.arn, "sqs", "${var.prefix}-${name}")
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }
  }
}
