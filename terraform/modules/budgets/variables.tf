variable "prefix" {
  description = "Beginning of physical names, such as quayside-dev."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,30}$", var.prefix))
    error_message = "prefix must be 3 to 31 lower-case letters, digits and hyphens, such as quayside-dev."
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

variable "emails" {
  description = "E-mail addresses that budgets notify."
  type        = set(string)

  validation {
    condition     = length(var.emails) > 0 && length(var.emails) <= 10
    error_message = "emails must list one to ten addresses, the most that a budget notifies."
  }
}

variable "monthly_usd" {
  description = "What the environment may cost a month, in US dollars."
  type        = number

  validation {
    condition     = var.monthly_usd > 0
    error_message = "monthly_usd must be above 0: scripts/cost estimates the environment's price."
  }
}

variable "service_usd" {
  description = "What single services may cost a month, by the name that Cost Explorer has for them."
  type        = map(number)
  default     = {}

  validation {
    condition     = alltrue([for usd in var.service_usd : usd > 0])
    error_message = "Every amount in service_usd must be above 0."
  }
}

variable "anomaly_usd" {
  description = "Unexpected cost in US dollars from which an anomaly is notified."
  type        = number
  default     = 20

  validation {
    condition     = var.anomaly_usd >= 1
    error_message = "anomaly_usd must be at least 1."
  }
}

variable "anomaly_monitor_arn" {
  description = "The account's monitor of all services, if it has one. Null: it is created."
  type        = string
  default     = null

  validation {
    condition     = var.anomaly_monitor_arn == null || can(regex("^arn:aws:ce::[0-9]{12}:anomalymonitor/", var.anomaly_monitor_arn))
    error_message = "anomaly_monitor_arn must be the ARN of a monitor (arn:aws:ce::<account>:anomalymonitor/<id>), which scripts/doctor prints."
  }
}
