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
  description = "Key of the artifacts."
  type        = string

  validation {
    condition     = startswith(var.key_arn, "arn:")
    error_message = "key_arn must be the ARN of a KMS key: nothing here is stored with AWS's shared keys."
  }
}
