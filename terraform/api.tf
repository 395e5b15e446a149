variable "cors_origins" {
  description = "Origins from which browsers may call the API, with cookies."
  type        = list(string)
  default     = []

  validation {
    condition     = var.environment != "prod" || alltrue([for origin in var.cors_origins : startswith(origin, "https://")])
    error_message = "cors_origins must be https:// origins in prod, such as https://shop.example.com."
  }

  validation {
    condition     = alltrue([for origin in var.cors_origins : can(regex("^https?://[^/,*]+$", origin))])
    error_message = "Every entry of cors_origins must be an origin without a path, such as https://shop.example.com. Requests have cookies, so that * is none."
  }
}

variable "api_domains" {
  description = "Custom domains of the API with certificates of the region. public: the name that CloudFront calls, in every region the same. regional: this region's own, which is asked for its health. Others, such as machines: with truststore_uri, clients show certificates (mutual TLS); publish their DNS records yourself, with the targets in the output api_domain_targets."
  type = map(object({
    name            = string
    certificate_arn = string
    truststore_uri  = optional(string)
  }))
  default = {}

  validation {
    condition     = alltrue([for domain in values(var.api_domains) : try(startswith(domain.truststore_uri, "s3://"), domain.truststore_uri == null)])
    error_message = "truststore_uri must be the address of a PEM bundle in S3, such as s3://bucket/clients.pem."
  }

  validation {
    condition     = length(var.api_domains) == 0 || try(var.api_domains["public"].truststore_uri == null, false)
    error_message = "api_domains needs public, without truststore_uri: CloudFront and the functions call the API without a client certificate."
  }
}

module "api" {
  source = "./modules/api"

  name             = "${local.prefix}-api"
  arn_scope        = local.arn_scope
  throttle_classes = local.catalog.api.throttle_classes
  cors_origins     = var.cors_origins
  cors             = local.catalog.api.cors
  domains          = var.api_domains
  log              = { retention_days = var.log_retention_days, key_arn = module.keys.arns["logs"] }
  tags             = local.tags

  authorizer = {
    name       = local.authorizer
    context    = local.functions[local.authorizer].context
    invoke_arn = module.function[local.authorizer].invoke_arn
    alias_arn  = module.function[local.authorizer].alias_arn
    ttl_s      = local.catalog.api.authorizer_ttl_s
  }

  routes = {
    for name, function in local.functions : name => {
      context    = function.context
      route      = function.trigger.route
      public     = function.trigger.public
      throttle   = function.trigger.throttle
      timeout_ms = function.trigger.timeout_ms
      invoke_arn = module.function[name].invoke_arn
      alias_arn  = module.function[name].alias_arn
    } if function.trigger.kind == "http"
  }
  permissions_boundary = module.boundary.arn
}

locals {
  authorizer = one([for name, function in local.functions : name if function.trigger.kind == "authorizer"])
}

output "api_url" {
  description = "Base URL of the HTTP API behind CloudFront."
  value       = module.api.endpoint
}

output "api_domain_targets" {
  description = "DNS target and hosted zone of each custom domain. public and regional have their records with domain; the others need one, an alias or a CNAME."
  value       = module.api.domain_targets
}
