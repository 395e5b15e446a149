locals {
  is_queue = var.mapping.source == "queue"
  is_kafka = var.mapping.source == "kafka"
}

resource "aws_lambda_event_source_mapping" "this" {
  function_name    = var.function_arn
  event_source_arn = var.source_arn
  batch_size       = var.mapping.batch
  tags             = var.tags

  maximum_batching_window_in_seconds = var.mapping.window_s
  function_response_types            = var.mapping.reports_item_failures ? ["ReportBatchItemFailures"] : []
  starting_position                  = local.is_queue ? null : "TRIM_HORIZON"
  topics                             = local.is_kafka ? [var.mapping.name] : null
  bisect_batch_on_function_error     = var.mapping.bisects ? true : null
  maximum_retry_attempts             = var.mapping.retries
  maximum_record_age_in_seconds      = var.mapping.age_s

  dynamic "scaling_config" {
    for_each = var.mapping.maximum_concurrency == null ? [] : [var.mapping.maximum_concurrency]
    content {
      maximum_concurrency = scaling_config.value
    }
  }

  dynamic "destination_config" {
    for_each = local.is_queue ? [] : [var.on_failure_arn]
    content {
      on_failure {
        destination_arn = destination_config.value
      }
    }
  }

  dynamic "amazon_managed_kafka_event_source_config" {
    for_each = local.is_kafka ? [var.consumer_group] : []
    content {
      consumer_group_id = amazon_managed_kafka_event_source_config.value
    }
  }

  dynamic "filter_criteria" {
    for_each = length(var.mapping.filters) == 0 ? [] : [var.mapping.filters]
    content {
      dynamic "filter" {
        for_each = filter_criteria.value
        content {
          pattern = filter.value
        }
      }
    }
  }

  lifecycle {
    # Who pauses a consumer disables its mapping, and a deployment that may bring the correction leaves it so.
    ignore_changes = [enabled]
  }
}
