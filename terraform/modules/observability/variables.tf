variable "prefix" {
  description = "Beginning of physical names, such as quayside-dev."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,30}$", var.prefix))
    error_message = "prefix must be 3 to 31 lower-case letters, digits and hyphens, such as quayside-dev."
  }
}

variable "region" {
  description = "AWS region of the dashboards' metrics."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be the code of an AWS region, such as eu-west-1."
  }
}

variable "namespace" {
  description = "Namespace of the metrics that the functions emit."
  type        = string

  validation {
    condition     = length(var.namespace) > 0 && !startswith(var.namespace, "AWS/")
    error_message = "namespace must be the POWERTOOLS_METRICS_NAMESPACE of the functions; AWS/ is reserved."
  }
}

variable "alarms" {
  description = "The alarms of the catalog."
  type = map(object({
    summary    = string
    runbook    = string
    severity   = string
    namespace  = string
    metric     = string
    statistic  = string
    query      = optional(string)
    pattern    = optional(string)
    function   = optional(string)
    comparison = string
    threshold  = optional(number)
    band       = optional(number)
    period_s   = number
    datapoints = number
    periods    = number
    missing    = string
    dimensions = map(object({
      literal  = optional(string)
      physical = optional(string)
      resource = optional(string)
    }))
  }))

  validation {
    condition     = alltrue([for alarm in var.alarms : can(regex("^docs/runbooks/[a-z-]+\\.md$", alarm.runbook))])
    error_message = "Every alarm needs a runbook, docs/runbooks/<name>.md: complete its row in shared/catalog/src/alarms.rs."
  }

  validation {
    condition     = alltrue([for alarm in var.alarms : contains(["page", "ticket"], alarm.severity)])
    error_message = "The severity of an alarm is page or ticket, because only those have a topic."
  }

  validation {
    condition     = alltrue([for alarm in var.alarms : alarm.datapoints >= 1 && alarm.datapoints <= alarm.periods])
    error_message = "An alarm needs at least one breaching period, and not more than it considers."
  }
}

variable "journeys" {
  description = "The service level objectives of the catalog."
  type = map(object({
    summary   = string
    runbook   = string
    functions = list(object({ name = string, context = string }))
    available = number
    mean_ms   = number
    fast      = number
    within_ms = number
  }))

  validation {
    condition     = alltrue([for journey in var.journeys : journey.available < 1 && journey.fast < 1])
    error_message = "An objective of 100 % has no error budget: choose less than 1 for available and fast."
  }

  validation {
    condition     = alltrue([for journey in var.journeys : length(journey.functions) >= 1 && length(journey.functions) <= 2])
    error_message = "A journey has one or two functions, because an alarm combines at most ten series: split the journey."
  }
}

variable "burn_rates" {
  description = "Burn rates of the error budgets, by name."
  type = map(object({
    factor   = number
    long_s   = number
    short_s  = number
    severity = string
  }))

  validation {
    condition     = alltrue([for rate in var.burn_rates : rate.short_s < rate.long_s])
    error_message = "The short window of a burn rate must be shorter than the long one."
  }
}

variable "resources" {
  description = "Identifiers that only Terraform knows, by their name in the catalog: api_id, api_stage, database_cluster, database_proxy and kafka_cluster."
  type        = map(string)

  validation {
    condition     = alltrue([for name in ["api_id", "api_stage", "database_cluster", "database_proxy", "kafka_cluster"] : contains(keys(var.resources), name)])
    error_message = "resources must name api_id, api_stage, database_cluster, database_proxy and kafka_cluster: their alarms are not optional."
  }
}

variable "certificates" {
  description = "ARNs of the certificates of this region, by the purpose of a domain. Each has the alarm of its expiry."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for arn in values(var.certificates) : strcontains(arn, ":${var.region}:")])
    error_message = "certificates must be of the region: CloudWatch has the metric where the certificate is."
  }
}

variable "topic_arns" {
  description = "Topics of alarms by severity: page, ticket."
  type        = map(string)

  validation {
    condition     = contains(keys(var.topic_arns), "page") && contains(keys(var.topic_arns), "ticket")
    error_message = "topic_arns must have the topics page and ticket."
  }
}

variable "trail_log_group" {
  description = "Log group of CloudTrail, for the metrics that alarms of the catalog take from it."
  type        = string

  validation {
    condition     = length(var.trail_log_group) > 0
    error_message = "trail_log_group must name the log group of the trail."
  }
}

variable "runbook_url" {
  description = "Address under which the repository's files can be read, without a slash at the end; alarms link to their runbook."
  type        = string

  validation {
    condition     = startswith(var.runbook_url, "https://") && !endswith(var.runbook_url, "/")
    error_message = "runbook_url must begin with https:// and have no slash at the end, such as https://github.com/example/quayside/blob/main."
  }
}

variable "dashboards_directory" {
  description = "Directory of the generated CloudWatch dashboards."
  type        = string

  validation {
    condition     = length(fileset(var.dashboards_directory, "*.json")) > 0
    error_message = "dashboards_directory contains no dashboards: run cargo xtask codegen."
  }
}

variable "has_traces" {
  description = "Whether functions record in X-Ray, which then has groups."
  type        = bool
  default     = false
}
