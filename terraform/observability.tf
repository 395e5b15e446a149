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
}

variable "trace_sampling" {
  description = "Share of requests that are traced; null for that of the catalog."
  type        = number
  default     = null
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
    { api = module.api.log_group_name },
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
  trace_sampling       = coalesce(var.trace_sampling, local.catalog.sampling.rate)
  dashboards_directory = "${path.module}/dashboards/cloudwatch"

  resources = merge(
    {
      api_id           = module.api.id
      api_stage        = module.api.stage_name
      database_cluster = module.database.cluster_identifier
      database_proxy   = module.database.proxy_name
      kafka_cluster    = module.kafka.cluster_name
    },
    local.api_certificate_arn == null ? {} : { certificate_arn = local.api_certificate_arn },
  )
}

locals {
  # The certificate of the first custom domain of the API.
  api_certificate_arn = try([for domain in values(var.api_domains) : domain.certificate_arn][0], null)
}
