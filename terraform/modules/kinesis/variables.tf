variable "prefix" {
  description = "Beginning of the names."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,40}$", var.prefix))
    error_message = "prefix must be lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "streams" {
  description = "Names of the streams."
  type        = set(string)
}

variable "retention_hours" {
  description = "Hours for which records stay readable: the time to repair a consumer."
  type        = number
  default     = 24

  validation {
    condition     = var.retention_hours >= 24 && var.retention_hours <= 8760
    error_message = "retention_hours must be from 24, the least that Kinesis offers and the age at which mappings give up, to 8760."
  }
}

variable "key_arn" {
  description = "KMS key of the records."
  type        = string
}
