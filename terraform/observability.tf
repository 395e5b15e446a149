variable "slack" {
  description = "Slack channel for every alarm. Null: none."
  type = object({
    workspace_id = string
    channel_id   = string
  })
  default = null
}

variable "pagerduty_url" {
  description = "Integration URL of a PagerDuty service, which is called for pages only. Null: none. Set it with TF_VAR_pagerduty_url."
  type        = string
  default     = null
  sensitive   = true
}

variable "runbook_url" {
  description = "Address under which the repository's files can be read; alarms link to their runbook."
  type        = string
  default     = "https://github.com/quayside-example/quayside/blob/main"

  validation {
    condition     = startswith(var.runbook_url, "https://") && !endswith(var.runbook_url, "/")
    error_message = "runbook_url must begin with https:// and have no slash at the end, such as https://github.com/example/quayside/blob/main: whoever is called follows the link."
  }
}

variable "trace_sampling" {
  description = "Share of the traces, from 0 to 1, whose spans are in the log lines; null for that of the catalog."
  type        = number
  default     = null

  validation {
    condition     = try(var.trace_sampling >= 0 && var.trace_sampling <= 1, var.trace_sampling == null)
    error_message = "trace_sampling is a share from 0 to 1, such as 0.05."
  }
}

variable "xray" {
  description = "Whether functions record in X-Ray, too: each a request a second and 5 % of the others, which cannot be configured and costs $5 a million. What an order passed is in the spans of the log lines either way."
  type        = bool
  default     = false
}

module "notifications" {
  source = "./modules/notifications"

  prefix               = local.prefix
  account_id           = var.account_id
  emails               = var.alarm_emails
  slack                = var.slack
  pagerduty_url        = var.pagerduty_url
  permissions_boundary = module.boundary.arn
}

module "trail" {
  source = "./modules/trail"

  prefix               = local.prefix
  account_id           = var.account_id
  region               = var.region
  audited_buckets      = concat([module.artifacts.arn], values(module.buckets.arns))
  permissions_boundary = module.boundary.arn
}

module "log_archive" {
  source = "./modules/log-archive"

  prefix     = local.prefix
  account_id = var.account_id
  key_arn    = module.keys.arns.logs
  log_groups = merge(
    { for name, function in module.function : name => function.log_group_name },
    {
      api      = module.api.log_group_name
      cache    = module.cache.log_group_name
      database = module.database.log_group_name
      flows    = module.network.log_group_name
      kafka    = module.kafka.log_group_name
      proxy    = module.database.proxy_log_group_name
    },
    { for flink in module.flink : "flink" => flink.log_group_name },
    { for name, group in merge(module.pipeline[*].log_group_names...) : "build-${name}" => group },
  )
  permissions_boundary = module.boundary.arn
}

module "observability" {
  source = "./modules/observability"

  prefix    = local.prefix
  region    = var.region
  namespace = local.catalog.prefix
  alarms    = local.catalog.alarms
  journeys  = local.catalog.journeys
  # Most of what alarms cost, and of use only where customers are.
  burn_rates           = local.is_production ? local.catalog.burn_rates : {}
  topic_arns           = module.notifications.topic_arns
  trail_log_group      = module.trail.log_group_name
  runbook_url          = var.runbook_url
  has_traces           = var.xray
  dashboards_directory = "${path.module}/dashboards/cloudwatch"

  resources = {
    api_id           = module.api.id
    api_stage        = module.api.stage_name
    database_cluster = module.database.cluster_identifier
    database_proxy   = module.database.proxy_name
    kafka_cluster    = module.kafka.cluster_name
  }

  # Domains may share a certificate.
  certificates = {
    for arn, purposes in { for purpose, domain in var.api_domains : domain.certificate_arn => purpose... } : sort(purposes)[0] => arn
  }
}

# CloudFront's certificate is in us-east-1, and so are its metric, the alarm and the topic that it can notify.
module "global_notifications" {
  source    = "./modules/notifications"
  count     = var.domain == null ? 0 : 1
  providers = { aws = aws.global }

  prefix               = "${local.prefix}-global"
  account_id           = var.account_id
  emails               = var.alarm_emails
  pagerduty_url        = var.pagerduty_url
  permissions_boundary = module.boundary.arn
}

module "certificate_alarm" {
  source    = "./modules/certificate-alarm"
  count     = var.domain == null ? 0 : 1
  providers = { aws = aws.global }

  name            = "${local.prefix}-certificate-expiry-cloudfront"
  certificate_arn = var.domain.certificate_arn
  alarm           = local.catalog.alarms["certificate-expiry"]
  topic_arns      = module.global_notifications[0].topic_arns
  runbook_url     = var.runbook_url
}
