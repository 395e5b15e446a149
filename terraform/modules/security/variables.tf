variable "prefix" {
  description = "Beginning of physical names, such as quayside-dev."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,30}$", var.prefix))
    error_message = "prefix must be 3 to 31 lower-case letters, digits and hyphens, such as quayside-dev."
  }
}

variable "account_id" {
  description = "AWS account of the environment."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be the twelve digits of the AWS account."
  }
}

variable "region" {
  description = "AWS region of the environment."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be the code of an AWS region, such as eu-west-1."
  }
}

variable "key_arn" {
  description = "Key of the records of AWS Config."
  type        = string

  validation {
    condition     = startswith(var.key_arn, "arn:")
    error_message = "key_arn must be the ARN of a KMS key: nothing here is stored with AWS's shared keys."
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

variable "services" {
  description = "Which services observe the account: guardduty, security_hub, config, inspector. In an organization whose security account runs them, leave them out."
  type        = set(string)

  validation {
    condition     = length(setsubtract(var.services, ["guardduty", "security_hub", "config", "inspector"])) == 0
    error_message = "services may contain guardduty, security_hub, config and inspector."
  }

  validation {
    condition     = !contains(var.services, "security_hub") || contains(var.services, "config")
    error_message = "Security Hub's standards are checked by AWS Config: add config to services."
  }
}

variable "max_secret_age_days" {
  description = "Days after which a secret that was not rotated is reported."
  type        = number
  default     = 90

  validation {
    condition     = var.max_secret_age_days >= 1 && var.max_secret_age_days <= 365
    error_message = "max_secret_age_days must be from 1 to 365."
  }
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds the roles."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:iam::[0-9]{12}:policy/", var.permissions_boundary))
    error_message = "permissions_boundary must be the ARN of a policy: a deployment may create no role without it."
  }
}
