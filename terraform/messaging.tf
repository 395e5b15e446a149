variable "event_archive_days" {
  description = "Days for which the event bus's archive can replay events. The archive in S3 has them for longer."
  type        = number
  default     = 30

  validation {
    condition     = var.event_archive_days >= 1 && floor(var.event_archive_days) == var.event_archive_days
    error_message = "event_archive_days must be a whole number of at least 1: 0 would keep, and charge for, every event for ever."
  }
}

variable "email_from" {
  description = "Sender address of e-mail; SES verifies its domain by the records in the output email_dkim_records."
  type        = string
  default     = "orders@quayside.example"

  validation {
    condition     = can(regex("^[^@[:space:]]+@[a-z0-9-]+(\\.[a-z0-9-]+)+$", var.email_from))
    error_message = "email_from must be an address with a domain in lower-case letters, such as orders@example.com: its domain becomes the identity in SES."
  }
}

variable "push_application_arn" {
  description = "ARN of the SNS platform application for push notifications. Empty: none."
  type        = string
  default     = ""

  validation {
    condition     = var.push_application_arn == "" || can(regex("^arn:[a-z-]+:sns:[^:]+:[0-9]{12}:app/", var.push_application_arn))
    error_message = "push_application_arn must be the ARN of an SNS platform application (arn:aws:sns:<region>:<account>:app/<platform>/<name>), or empty."
  }
}

locals {
  # Partition, region and account as in ARNs. ARNs built from names are known in the plan, so that a policy can be read before it
  # is applied.
  arn_scope = {
    partition  = startswith(var.region, "cn-") ? "aws-cn" : startswith(var.region, "us-gov-") ? "aws-us-gov" : "aws"
    region     = var.region
    account_id = var.account_id
  }

  functions = local.catalog.functions

  bus_consumers = {
    for name, function in local.functions : name => {
      pattern = jsonencode(function.trigger.pattern)
      queue   = name
    } if contains(["bus", "all_events"], function.trigger.kind)
  }
  bus_topics = {
    for name, topic in local.catalog.topics : name => {
      pattern = jsonencode(topic.pattern)
      topic   = name
    } if topic.source == "bus"
  }
}

module "messaging" {
  source = "./modules/messaging"

  prefix         = local.prefix
  bus            = local.catalog.bus
  arn_scope      = local.arn_scope
  archive        = { pattern = jsonencode(local.catalog.all_events_pattern), retention_days = var.event_archive_days }
  queues         = { for name, function in local.functions : name => { visibility_s = function.visibility_s } if function.has_queue }
  queue_settings = merge(local.catalog.queues, { max_receives = local.catalog.max_receives })
  rules          = merge(local.bus_consumers, local.bus_topics)
  topics         = { for name, topic in local.catalog.topics : name => { source = topic.source } }
  deliveries     = local.catalog.deliveries
  key_arns       = { queues = module.keys.arns["queues"], topics = module.keys.arns["topics"] }
  tags           = local.tags

  dead_letter_queues = [for name, function in local.functions : name if function.has_dead_letter_queue]

  subscriptions = {
    for name, function in local.functions : name => {
      topic  = function.trigger.topic
      events = try(function.trigger.filter, null)
    } if contains(["fanout", "external_topic"], function.trigger.kind)
  }

  schedules = {
    for name, function in local.functions : name => {
      expression    = function.trigger.expression
      alias_arn     = module.function[name].alias_arn
      alias         = module.function[name].alias_name
      function_name = module.function[name].function_name
    } if function.trigger.kind == "schedule"
  }
}

module "email" {
  source = "./modules/email"

  name            = "${local.prefix}-email"
  from            = var.email_from
  feedback_topics = { for name, topic in local.catalog.topics : name => module.messaging.topic_arns[name] if topic.source == "email" }
  tags            = local.tags
}

output "event_bus_name" {
  description = "Name of the event bus."
  value       = module.messaging.bus_name
}

output "undelivered_queue_url" {
  description = "URL of the queue for events that a rule, a subscription or a schedule could not deliver."
  value       = module.messaging.dead_letter_queue_urls[local.catalog.queues.undelivered]
}

output "email_dkim_records" {
  description = "CNAME records to publish in the domain of email_from: names and values."
  value       = module.email.dkim_records
}
