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

variable "functions" {
  description = "Functions that are deployed step by step, each with the names of the alarms that undo its deployment."
  type        = map(list(string))

  validation {
    condition     = alltrue([for alarms in var.functions : length(alarms) >= 1 && length(alarms) <= 10])
    error_message = "Every function needs one to ten alarms that undo its deployment: without one a bad version would stay."
  }
}

variable "canary" {
  description = "Percentage of requests that reach the new version first, and for how many minutes."
  type        = object({ percentage = number, minutes = number })
  default     = { percentage = 10, minutes = 5 }

  validation {
    condition     = var.canary.percentage >= 1 && var.canary.percentage <= 50
    error_message = "canary.percentage must be from 1 to 50: above half, most customers would see a bad version first."
  }

  validation {
    condition     = var.canary.minutes >= 5
    error_message = "canary.minutes must be at least 5: the alarms consider five periods of a minute."
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
