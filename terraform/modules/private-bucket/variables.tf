variable "name" {
  description = "Physical name."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 63 lower-case letters, digits and hyphens: with a shorter prefix of the environment, it fits."
  }
}

variable "key_arn" {
  description = "KMS key of the objects."
  type        = string

  validation {
    condition     = startswith(var.key_arn, "arn:")
    error_message = "key_arn must be the ARN of a KMS key: nothing here is stored with AWS's shared keys."
  }
}

variable "retention_days" {
  description = "Days after which objects are deleted."
  type        = number

  validation {
    condition     = var.retention_days >= 1 && floor(var.retention_days) == var.retention_days
    error_message = "retention_days must be a whole number from 1: everything that grows has an end."
  }
}

variable "noncurrent_days" {
  description = "Days after which a version that was replaced or deleted is deleted permanently."
  type        = number
  default     = 30

  validation {
    condition     = var.noncurrent_days >= 1 && floor(var.noncurrent_days) == var.noncurrent_days
    error_message = "noncurrent_days must be a whole number from 1."
  }
}

variable "tiers" {
  description = "Days after which objects go to cheaper storage classes, cheapest last."
  type        = list(object({ days = number, storage_class = string }))
  default     = []

  validation {
    condition     = alltrue([for tier in var.tiers : contains(["STANDARD_IA", "GLACIER_IR"], tier.storage_class) && tier.days >= 30])
    error_message = "tiers must be STANDARD_IA or GLACIER_IR after at least 30 days: S3 moves nothing earlier, and slower classes cannot be read at once."
  }
}

variable "statements" {
  description = "Statements of the bucket's policy as JSON, besides the one that refuses plain HTTP."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for statement in var.statements : can(jsondecode(statement).Sid)])
    error_message = "Every one of statements must be a JSON object with a Sid."
  }
}
