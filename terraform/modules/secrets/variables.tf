variable "prefix" {
  description = "Beginning of the names; the hyphen becomes a slash."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*-[a-z][a-z0-9]*$", var.prefix))
    error_message = "prefix must be <product>-<environment>, in lower-case letters and digits."
  }
}

variable "secrets" {
  description = "Secrets by name, each with the function that rotates it, or null if an operator does."
  type = map(object({
    rotated_by = optional(string)
  }))
}

variable "replica" {
  description = "Second region with copies of the secrets, and the KMS key there. Null: none."
  type = object({
    region  = string
    key_arn = string
  })
  default = null
}

variable "key_arn" {
  description = "KMS key of the secrets."
  type        = string
}
