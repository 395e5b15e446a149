output "bus_arn" {
  description = "ARN of the event bus."
  value       = aws_cloudwatch_event_bus.this.arn
}

output "bus_name" {
  description = "Name of the event bus."
  value       = aws_cloudwatch_event_bus.this.name
}

output "archive_name" {
  description = "Name of the archive of the event bus."
  value       = aws_cloudwatch_event_archive.this.name
}

output "queue_arns" {
  description = "ARNs of queues by consumer."
  value       = local.queue_arns
  depends_on  = [aws_sqs_queue.this]
}

output "queue_urls" {
  description = "URLs of queues by consumer."
  value       = { for name, queue in aws_sqs_queue.this : name => queue.id }
}

output "queue_names" {
  description = "Physical names of queues by consumer."
  value       = { for name, queue in aws_sqs_queue.this : name => queue.name }
}

output "dead_letter_queue_arns" {
  description = "ARNs of dead-letter queues by consumer, and of the queue for undelivered events."
  value       = local.dead_letter_arns
  depends_on  = [aws_sqs_queue.dead_letters]
}

output "dead_letter_queue_urls" {
  description = "URLs of dead-letter queues by consumer, and of the queue for undelivered events."
  value       = { for name, queue in aws_sqs_queue.dead_letters : name => queue.id }
}

output "dead_letter_queue_names" {
  description = "Physical names of dead-letter queues by consumer, and of the queue for undelivered events."
  value       = { for name, queue in aws_sqs_queue.dead_letters : name => queue.name }
}

output "topic_arns" {
  description = "ARNs of topics."
  value       = local.topic_arns
  depends_on  = [aws_sns_topic.this]
}

output "settings" {
  description = "Settings that the tests compare with the catalog and with template.yaml."
  value = {
    bus = {
      archive_retention_days = aws_cloudwatch_event_archive.this.retention_days
      archived_bus_arn       = aws_cloudwatch_event_archive.this.event_source_arn
    }
    queues = {
      for name, queue in aws_sqs_queue.this : name => {
        visibility_s = queue.visibility_timeout_seconds
        retention_s  = queue.message_retention_seconds
        redrive      = jsondecode(queue.redrive_policy)
        key          = queue.kms_master_key_id
        policy       = jsondecode(aws_sqs_queue_policy.this[name].policy)
      }
    }
    dead_letter_queues = {
      for name, queue in aws_sqs_queue.dead_letters : name => {
        retention_s   = queue.message_retention_seconds
        key           = queue.kms_master_key_id
        policy        = jsondecode(aws_sqs_queue_policy.dead_letters[name].policy)
        redrive_allow = jsondecode(aws_sqs_queue_redrive_allow_policy.this[name].redrive_allow_policy)
      }
    }
    targets = {
      for name, target in merge(aws_cloudwatch_event_target.this, aws_cloudwatch_event_target.schedule) : name => {
        arn         = target.arn
        dead_letter = try(target.dead_letter_config[0].arn, null)
        retries     = try(target.retry_policy[0].maximum_retry_attempts, null)
        age_s       = try(target.retry_policy[0].maximum_event_age_in_seconds, null)
      }
    }
    rules = { for name, rule in aws_cloudwatch_event_rule.this : name => jsondecode(rule.event_pattern) }
    topics = {
      for name, topic in aws_sns_topic.this : name => {
        key    = topic.kms_master_key_id
        policy = jsondecode(aws_sns_topic_policy.this[name].policy)
      }
    }
    subscriptions = {
      for name, subscription in aws_sns_topic_subscription.this : name => {
        raw         = subscription.raw_message_delivery
        filter      = subscription.filter_policy == null ? null : jsondecode(subscription.filter_policy)
        dead_letter = jsondecode(subscription.redrive_policy).deadLetterTargetArn
      }
    }
    schedules = {
      for name, rule in aws_cloudwatch_event_rule.schedule : name => {
        expression = rule.schedule_expression
        qualifier  = aws_lambda_permission.schedule[name].qualifier
        source_arn = aws_lambda_permission.schedule[name].source_arn
      }
    }
  }
}
