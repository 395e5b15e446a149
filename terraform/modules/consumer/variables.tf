variable "function_arn" {
  description = "ARN of the alias that is invoked."
  type        = string
}

variable "source_arn" {
  description = "ARN of the queue, the stream, the table's stream or the Kafka cluster."
  type        = string
}

variable "mapping" {
  description = "Batch and bounds, as in catalog.json; null where the kind of source does not have the setting."
  type = object({
    source                = string
    name                  = string
    batch                 = number
    window_s              = optional(number, 0)
    maximum_concurrency   = optional(number)
    reports_item_failures = bool
    bisects               = bool
    retries               = optional(number)
    age_s                 = optional(number)
    consumer_group        = optional(string)
    filters               = optional(list(string), [])
  })

  validation {
    condition     = contains(["queue", "stream", "table_changes", "kafka"], var.mapping.source)
    error_message = "mapping.source must be queue, stream, table_changes or kafka."
  }

  validation {
    condition = !contains(["stream", "table_changes"], var.mapping.source) || try(
      var.mapping.retries >= 0 && var.mapping.retries <= 10000 && var.mapping.age_s >= 60 && var.mapping.age_s <= 604800, false
    )
    error_message = "A stream's mapping retries for ever unless bounded: give it retries (0 to 10000) and age_s (60 to 604800) in codegen/terraform/limits.rs."
  }

  validation {
    condition     = try(var.mapping.maximum_concurrency, null) == null || try(var.mapping.maximum_concurrency >= 2 && var.mapping.maximum_concurrency <= 1000, false)
    error_message = "maximum_concurrency of a queue's mapping must be from 2 to 1000: correct concurrency in the row of the function in shared/catalog."
  }
}

variable "consumer_group" {
  description = "Kafka consumer group; null for other sources."
  type        = string
  default     = null
}

variable "on_failure_arn" {
  description = "ARN of the dead-letter queue for batches that exceed their bounds. Null for a queue, which has its own redrive policy."
  type        = string

  validation {
    condition     = var.mapping.source == "queue" || var.on_failure_arn != null
    error_message = "A mapping of a stream or of Kafka needs on_failure_arn: without it a batch that exceeds its bounds is lost."
  }
}

variable "tags" {
  description = "Tags of the mapping."
  type        = map(string)
}
