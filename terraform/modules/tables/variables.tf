variable "prefix" {
  description = "Beginning of the names."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,40}$", var.prefix))
    error_message = "prefix must be lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "tables" {
  description = "Tables by name: the partition key, a string, the attribute with the time in epoch seconds after which an item expires, and the index of keys."
  type = map(object({
    key = string
    ttl = string
    index = object({
      name = string
      key  = string
    })
  }))

  validation {
    condition     = alltrue([for table in var.tables : table.key != "" && table.ttl != "" && table.key != table.ttl])
    error_message = "Every table must have a partition key and a separate attribute for the time to live."
  }
}

variable "deletion_protection" {
  description = "Whether deleting a table is refused."
  type        = bool
}

variable "key_arn" {
  description = "KMS key of the tables."
  type        = string
}
