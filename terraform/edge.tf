variable "domain" {
  description = "Public domain with its hosted zone and a certificate of us-east-1. Null: CloudFront's own domain."
  type        = object({ name = string, zone_id = string, certificate_arn = string })
  default     = null

  validation {
    condition     = var.domain == null || length(setsubtract(["public", "regional"], keys(var.api_domains))) == 0
    error_message = "With domain, DNS fails over between regions by their health: set public and regional in api_domains, too."
  }
}

variable "standby_api" {
  description = "API of the second region, to which DNS fails over: its regional name, and DNS target and zone of its public domain. Null: none."
  type        = object({ host = string, target = string, zone_id = string })
  default     = null

  validation {
    condition     = var.standby_api == null || var.domain != null
    error_message = "standby_api needs domain: without a hosted zone there is no record that could fail over."
  }
}

variable "rate_limits" {
  description = "Requests of one address in five minutes that WAF lets pass: of all, and of each anonymous write such as logging in."
  type        = object({ all = number, anonymous_writes = number })
  default     = { all = 10000, anonymous_writes = 300 }

  validation {
    condition     = var.rate_limits.anonymous_writes >= 10 && var.rate_limits.all >= var.rate_limits.anonymous_writes
    error_message = "rate_limits.anonymous_writes must be at least 10, the least that WAF counts, and rate_limits.all not less than that."
  }
}

locals {
  # The first part of a route's path, and what is below it if there is anything.
  api_paths = toset([
    for path in compact([for function in values(local.functions) : try(split(" ", function.trigger.route)[1], "")]) :
    format(length(split("/", path)) > 2 ? "/%s/*" : "/%s", split("/", path)[1])
  ])
}

module "edge" {
  source    = "./modules/edge"
  providers = { aws = aws, aws.global = aws.global }

  name        = local.prefix
  origin      = trimprefix(module.api.endpoint, "https://")
  health_path = local.catalog.api.health_path
  domain      = var.domain
  rate_limits = var.rate_limits
  log         = { retention_days = var.log_retention_days }
  tags        = local.tags

  anonymous_write_paths = [
    for function in values(local.functions) : split(" ", function.trigger.route)[1]
    if function.trigger.kind == "http" && try(function.trigger.throttle == "public_write", false)
  ]

  api_paths = local.api_paths
  pages = {
    bucket = "${local.prefix}-pages-${var.account_id}"
    region = var.region
  }
  upload_buckets = { for name in local.upload_buckets : name => module.buckets.names[name] }

  regions = {
    primary = var.domain == null ? null : {
      host    = var.api_domains["regional"].name
      target  = module.api.domain_targets["public"].target
      zone_id = module.api.domain_targets["public"].zone_id
    }
    secondary = var.standby_api
  }
  regional = var.domain == null ? null : module.api.domain_targets["regional"]

  webhook_paths = [
    for function in values(local.functions) : split(" ", function.trigger.route)[1]
    if function.trigger.kind == "http" && try(function.trigger.throttle == "webhook", false)
  ]
}

output "origin_secret_store" {
  description = "ARN of the key value store in which the distribution looks for the origin secret."
  value       = module.edge.store_arn
}

output "pages_bucket" {
  description = "Name of the bucket of the web pages: scripts/web --publish puts them in."
  value       = module.edge.pages_bucket
}

output "public_url" {
  description = "Base URL for clients: the public domain, or CloudFront's."
  value       = module.edge.url
}
