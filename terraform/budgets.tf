variable "monthly_budget_usd" {
  description = "What the environment may cost a month, in US dollars; alarms at 80 % of it, and when the forecast exceeds it."
  type        = number
  default     = 1500
}

variable "service_budgets_usd" {
  description = "What single services may cost a month, by the name that Cost Explorer has for them, such as AWS Lambda."
  type        = map(number)
  default     = {}

  validation {
    condition     = alltrue([for usd in var.service_budgets_usd : usd > 0])
    error_message = "Every amount in service_budgets_usd must be above 0: remove a service that has no budget."
  }
}

variable "anomaly_monitor_arn" {
  description = "The account's monitor of the cost of all services, which scripts/doctor prints if there is one: an account has one at most. Null: it is created."
  type        = string
  default     = null
}

module "budgets" {
  source = "./modules/budgets"

  prefix      = local.prefix
  emails      = var.alarm_emails
  monthly_usd = var.monthly_budget_usd
  service_usd = var.service_budgets_usd
  topic_arns  = module.notifications.topic_arns

  anomaly_monitor_arn = var.anomaly_monitor_arn
}
