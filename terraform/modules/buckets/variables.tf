variable "prefix" {
  description = "Beginning of the names."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.prefix))
    error_message = "prefix must be lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "account_id" {
  description = "The account, a part of the names."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be twelve digits."
  }
}

variable "suffix" {
  description = "End of the names, for a second set of buckets in another region."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^(-[a-z0-9]{1,12})?$", var.suffix))
    error_message = "suffix must be empty, or a hyphen with at most twelve lower-case letters and digits."
  }
}

variable "buckets" {
  description = "Buckets by name: the years for which no object can be deleted (0: none), and the days after which objects expire (0: never)."
  type = map(object({
    locked_years  = number
    retained_days = number
  }))

  validation {
    condition     = alltrue([for bucket in var.buckets : bucket.retained_days == 0 || bucket.retained_days >= bucket.locked_years * 366])
    error_message = "retained_days of a locked bucket must not end before its lock: raise it to 366 times locked_years, or to 0 for no end."
  }

  validation {
    condition     = alltrue([for bucket in var.buckets : bucket.retained_days <= var.tiers.infrequent_days || bucket.retained_days > var.tiers.archive_days])
    error_message = "retained_days must be above tiers.archive_days, or not above tiers.infrequent_days: objects would expire before the transition that they pay for."
  }
}

variable "enforce_locks" {
  description = "Whether locked_years applies. A locked object cannot be deleted by anyone, so that test data should not be locked."
  type        = bool
}

variable "tiers" {
  description = "Days after which objects go to STANDARD_IA and then to GLACIER_IR."
  type = object({
    infrequent_days = number
    archive_days    = number
  })
  default = {
    infrequent_days = 30
    archive_days    = 90
  }

  validation {
    condition     = var.tiers.infrequent_days >= 30 && var.tiers.archive_days >= var.tiers.infrequent_days + 30
    error_message = "tiers.infrequent_days must be 30 or more, and tiers.archive_days thirty days later or more: S3 charges STANDARD_IA for thirty days."
  }
}

variable "key_arn" {
  description = "KMS key of the objects."
  type        = string
}
