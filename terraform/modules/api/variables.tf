variable "name" {
  description = "Physical name of the API and its log group."
  type        = string
}

variable "arn_scope" {
  description = "Partition, region and account as in ARNs."
  type        = object({ partition = string, region = string, account_id = string })
}

variable "routes" {
  description = "Routes by function: its context, whether anyone may call, class of throttle, and the alias that is invoked."
  type = map(object({
    context    = string
    route      = string
    public     = bool
    throttle   = string
    timeout_ms = number
    invoke_arn = string
    alias_arn  = string
  }))

  validation {
    condition     = length(distinct([for route in values(var.routes) : route.route])) == length(var.routes)
    error_message = "Two functions have the same route: give each row in shared/catalog its own method and path."
  }
}

variable "cors" {
  description = "What browsers of the origins may send and read, from the catalog."
  type        = object({ allow_methods = list(string), allow_headers = list(string), expose_headers = list(string), max_age_s = number })
}

variable "authorizer" {
  description = "The authorizer of every route that is not public, and seconds for which its response is cached."
  type        = object({ name = string, context = string, invoke_arn = string, alias_arn = string, ttl_s = number })

  validation {
    condition     = var.authorizer.ttl_s >= 0 && var.authorizer.ttl_s <= 3600
    error_message = "authorizer.ttl_s must be from 0 to 3600; 0 invokes the authorizer for every request."
  }
}

variable "throttle_classes" {
  description = "Requests a second and burst by class of route."
  type        = map(object({ rate = number, burst = number }))

  validation {
    condition     = alltrue([for route in values(var.routes) : contains(keys(var.throttle_classes), route.throttle)])
    error_message = "A route has a throttle class that throttle_classes lacks: see codegen/terraform/limits.rs."
  }
}

variable "cors_origins" {
  description = "Origins from which browsers may call the API, with cookies."
  type        = list(string)
}

variable "domains" {
  description = "Custom domains by purpose; public is the one that clients and functions use. A domain with a trust store asks its clients for certificates (mutual TLS)."
  type = map(object({
    name            = string
    certificate_arn = string
    truststore_uri  = optional(string)
  }))
}

variable "log" {
  description = "Retention in days and encryption key of the access log."
  type        = object({ retention_days = number, key_arn = string })
}

variable "tags" {
  description = "Tags of all resources."
  type        = map(string)
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds the roles."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:iam::[0-9]{12}:policy/", var.permissions_boundary))
    error_message = "permissions_boundary must be the ARN of a policy: a deployment may create no role without it."
  }
}
