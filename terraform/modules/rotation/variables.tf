variable "prefix" {
  description = "Beginning of the names."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}$", var.prefix))
    error_message = "prefix must be lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "account_id" {
  description = "The account for which Secrets Manager and the scheduler invoke the functions."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be twelve digits."
  }
}

variable "days" {
  description = "Days between two rotations."
  type        = number

  validation {
    condition     = var.days >= 1 && var.days <= 90
    error_message = "days must be from 1 to 90: a secret that nobody replaces for longer is one that nobody can replace."
  }
}

variable "managed" {
  description = "Secrets that Secrets Manager rotates, by a static name: the secret, and the function that follows its protocol."
  type = map(object({
    secret_arn    = string
    function_arn  = string
    function_name = string
  }))
}

variable "scheduled" {
  description = "Secrets that a function replaces when a schedule invokes it."
  type = map(object({
    function_arn = string
  }))
}

variable "dead_letter_queue_arn" {
  description = "Queue for invocations that the scheduler could not make."
  type        = string
}

variable "key_arn" {
  description = "KMS key of the schedules."
  type        = string
}
