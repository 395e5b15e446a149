variable "prefix" {
  description = "Beginning of physical names."
  type        = string
}

variable "bus" {
  description = "Name of the event bus without the prefix."
  type        = string
}

variable "arn_scope" {
  description = "Partition, region and account as in ARNs."
  type        = object({ partition = string, region = string, account_id = string })
}

variable "archive" {
  description = "Pattern of the events that the bus archives as JSON, and days for which they can be replayed."
  type        = object({ pattern = string, retention_days = number })

  validation {
    condition     = var.archive.retention_days > 0
    error_message = "archive.retention_days must be at least 1: 0 would keep, and charge for, every event for ever."
  }
}

variable "queues" {
  description = "Queues by consumer, with their visibility timeout in seconds."
  type        = map(object({ visibility_s = number }))
}

variable "dead_letter_queues" {
  description = "Consumers that have a dead-letter queue."
  type        = set(string)

  validation {
    condition     = length(setsubtract(keys(var.queues), var.dead_letter_queues)) == 0
    error_message = "Every queue needs a dead-letter queue: a message that cannot be processed would block it or be lost."
  }
}

variable "queue_settings" {
  description = "Settings of every queue: retention, deliveries before a message is dead-lettered, and names."
  type = object({
    retention_s             = number
    dead_letter_retention_s = number
    dead_letter_suffix      = string
    undelivered             = string
    max_receives            = number
  })

  validation {
    condition     = var.queue_settings.dead_letter_retention_s > var.queue_settings.retention_s
    error_message = "dead_letter_retention_s must exceed retention_s: a message keeps its age when it is dead-lettered, and would expire soon after."
  }
}

variable "rules" {
  description = "Rules by name: pattern as JSON, and the queue or the topic that receives the events."
  type        = map(object({ pattern = string, queue = optional(string), topic = optional(string) }))

  validation {
    condition     = alltrue([for rule in values(var.rules) : (rule.queue == null) != (rule.topic == null)])
    error_message = "A rule has one target, a queue or a topic."
  }
}

variable "topics" {
  description = "Topics by name, with their publisher: bus or email."
  type        = map(object({ source = string }))

  validation {
    condition     = alltrue([for topic in values(var.topics) : contains(["bus", "email"], topic.source)])
    error_message = "The source of a topic must be bus or email: a new kind of publisher needs a statement in the topic's policy."
  }
}

variable "subscriptions" {
  description = "Topic by consumer, and the events that pass its filter; null: all messages."
  type        = map(object({ topic = string, events = optional(list(string)) }))
}

variable "schedules" {
  description = "Schedules by function: the expression and the alias that is invoked."
  type        = map(object({ expression = string, alias_arn = string, function_name = string, alias = string }))
}

variable "deliveries" {
  description = "Retries and maximum age in seconds of deliveries by rules and schedules."
  type        = object({ retries = number, age_s = number })

  validation {
    condition     = var.deliveries.retries <= 185 && var.deliveries.age_s >= 60 && var.deliveries.age_s <= 86400
    error_message = "EventBridge retries at most 185 times, for 60 seconds to a day: correct codegen/terraform/limits.rs."
  }
}

variable "key_arns" {
  description = "Encryption keys of queues and topics."
  type        = object({ queues = string, topics = string })
}

variable "tags" {
  description = "Tags of all resources."
  type        = map(string)
}
