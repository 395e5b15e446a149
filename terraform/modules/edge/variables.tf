variable "name" {
  description = "Physical name of the distribution's parts."
  type        = string
}

variable "origin" {
  description = "Host name of the HTTP API: its custom domain or the generated address."
  type        = string
}

variable "health_path" {
  description = "Path that answers 200 while a region can serve requests."
  type        = string
}

variable "domain" {
  description = "Public domain with its hosted zone and its certificate in us-east-1, or null: CloudFront's own domain."
  type        = object({ name = string, zone_id = string, certificate_arn = string })

  validation {
    condition     = var.domain == null || try(strcontains(var.domain.certificate_arn, ":us-east-1:"), false)
    error_message = "CloudFront takes certificates from us-east-1 only: issue one there for the domain."
  }
}

variable "regions" {
  description = "API of each region behind the origin's name: the host that is asked for its health, DNS target and zone. With a secondary one, DNS fails over to it."
  type = object({
    primary   = optional(object({ host = string, target = string, zone_id = string }))
    secondary = optional(object({ host = string, target = string, zone_id = string }))
  })
}

variable "regional" {
  description = "Name, DNS target and zone of this region's own address, or null without a domain."
  type        = object({ name = string, target = string, zone_id = string })
}

variable "webhook_paths" {
  description = "Paths of signed webhooks, which come from few addresses: the limit of an address does not count them."
  type        = set(string)
}

variable "rate_limits" {
  description = "Requests of one address in five minutes: of all, and of anonymous writes such as logging in."
  type        = object({ all = number, anonymous_writes = number })

  validation {
    condition     = var.rate_limits.anonymous_writes >= 10 && var.rate_limits.anonymous_writes <= var.rate_limits.all
    error_message = "rate_limits.anonymous_writes must be at least 10, WAF's minimum, and at most rate_limits.all."
  }
}

variable "anonymous_write_paths" {
  description = "Paths of the routes that anyone may write to, without parameters."
  type        = set(string)
}

variable "api_paths" {
  description = "Path patterns of the API; everything else is a page."
  type        = set(string)
}

variable "pages" {
  description = "Name and region of the bucket of the web pages."
  type        = object({ bucket = string, region = string })
}

variable "upload_buckets" {
  description = "Physical names of the buckets that pages upload to and show pictures from."
  type        = map(string)
}

variable "log" {
  description = "Retention in days of the web ACL's log."
  type        = object({ retention_days = number })
}

variable "tags" {
  description = "Tags of all resources."
  type        = map(string)
}
