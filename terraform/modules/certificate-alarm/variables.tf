variable "name" {
  description = "Physical name of the alarm."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,254}$", var.name))
    error_message = "name must be lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "certificate_arn" {
  description = "ARN of the certificate."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:acm:[a-z0-9-]+:[0-9]{12}:certificate/", var.certificate_arn))
    error_message = "certificate_arn must be the ARN of a certificate in ACM."
  }
}

variable "alarm" {
  description = "The row of the alarm in the catalog."
  type = object({
    summary    = string
    runbook    = string
    severity   = string
    namespace  = string
    metric     = string
    statistic  = string
    comparison = string
    threshold  = number
    period_s   = number
    datapoints = number
    periods    = number
    missing    = string
  })

  validation {
    condition     = var.alarm.threshold >= 1
    error_message = "The alarm must fire some days before a certificate expires."
  }
}

variable "topic_arns" {
  description = "Topics in the region of the certificate by severity: page, ticket."
  type        = map(string)

  validation {
    condition     = contains(keys(var.topic_arns), "page") && contains(keys(var.topic_arns), "ticket")
    error_message = "topic_arns must have the topics page and ticket."
  }
}

variable "runbook_url" {
  description = "Address under which the repository's files can be read, without a slash at the end."
  type        = string

  validation {
    condition     = startswith(var.runbook_url, "https://") && !endswith(var.runbook_url, "/")
    error_message = "runbook_url must begin with https:// and have no slash at the end, such as https://github.com/example/quayside/blob/main."
  }
}
