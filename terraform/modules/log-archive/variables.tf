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

variable "key_arn" {
  description = "Key of the archive."
  type        = string

  validation {
    condition     = startswith(var.key_arn, "arn:")
    error_message = "key_arn must be the ARN of a KMS key: nothing here is stored with AWS's shared keys."
  }
}

variable "log_groups" {
  description = "Log groups whose lines are archived, by a short name."
  type        = map(string)

  validation {
    condition     = length(var.log_groups) > 0
    error_message = "log_groups is empty: list the log groups of the functions and of the API."
  }
}

variable "retention_days" {
  description = "Days until an archived line is deleted."
  type        = number
  default     = 365

  validation {
    condition     = var.retention_days >= 365
    error_message = "retention_days must be at least 365: logs are kept for a year."
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
