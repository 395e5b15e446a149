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

variable "functions" {
  description = "Functions that rotate secrets, by the catalog's name: the ARN, and the alias that is invoked."
  type = map(object({
    arn   = string
    alias = string
  }))
}

variable "managed" {
  description = "Secrets that Secrets Manager rotates, by a static name, each with the function that follows its protocol."
  type = map(object({
    secret_arn = string
    function   = string
  }))

  validation {
    condition     = alltrue([for rotation in var.managed : contains(keys(var.functions), rotation.function)])
    error_message = "Every function of managed must be in functions."
  }
}

variable "scheduled" {
  description = "Secrets that a function replaces when a schedule invokes it, each with that function."
  type = map(object({
    function = string
  }))

  validation {
    condition     = alltrue([for rotation in var.scheduled : contains(keys(var.functions), rotation.function)])
    error_message = "Every function of scheduled must be in functions."
  }
}

variable "dead_letter_queue_arn" {
  description = "Queue for invocations that the scheduler could not make."
  type        = string
}

variable "key_arn" {
  description = "KMS key of the schedules."
  type        = string
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds the roles."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:iam::[0-9]{12}:policy/", var.permissions_boundary))
    error_message = "permissions_boundary must be the ARN of a policy: a deployment may create no role without it."
  }
}
