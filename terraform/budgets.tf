variable "monthly_budget_usd" {
  description = "What the environment may cost a month, in US dollars; alarms at 80 % of it, and when the forecast exceeds it."
  type        = number
  default     = 1500
}

variable "service_budgets_usd" {
  description = "What single services may cost a month, by the name that Cost Explorer has for them, such as AWS Lambda."
  type        = map(number)
  default     = {}
}

module "budgets" {
  source = "./modules/budgets"

  prefix      = local.prefix
  emails      = var.alarm_emails
  monthly_usd = var.monthly_budget_usd
  service_usd = var.service_budgets_usd
  topic_arns  = module.notifications.topic_arns
}
