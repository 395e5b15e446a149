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

variable "log_retention_days" {
  description = "Days for which CloudWatch keeps the trail; S3 keeps it for a year."
  type        = number
  default     = 90

  validation {
    condition     = contains([30, 60, 90, 120, 150, 180, 365, 400], var.log_retention_days)
    error_message = "log_retention_days of the trail must be 30, 60, 90, 120, 150, 180, 365 or 400."
  }
}

variable "audited_buckets" {
  description = "ARNs of buckets whose reads and writes of objects are recorded, too."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.audited_buckets : startswith(arn, "arn:aws:s3:::")])
    error_message = "audited_buckets must be ARNs of buckets, arn:aws:s3:::name."
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
