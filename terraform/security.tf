variable "security_services" {
  description = "Which services observe the account: guardduty, security_hub, config, inspector. Leave out those that an organization's security account runs."
  type        = set(string)
  default     = ["guardduty", "security_hub", "config", "inspector"]

  validation {
    condition     = length(setsubtract(var.security_services, ["guardduty", "security_hub", "config", "inspector"])) == 0
    error_message = "security_services may contain guardduty, security_hub, config and inspector."
  }
}

module "security" {
  source = "./modules/security"

  prefix               = local.prefix
  account_id           = var.account_id
  region               = var.region
  key_arn              = module.keys.arns.logs
  services             = var.security_services
  topic_arns           = module.notifications.topic_arns
  permissions_boundary = module.boundary.arn
}
