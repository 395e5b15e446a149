variable "name" {
  description = "Name of the parameter group."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,254}$", var.name))
    error_message = "name must be lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "engine_version" {
  description = "Version of Aurora PostgreSQL, whose major version is the family of the group."
  type        = string

  validation {
    condition     = can(regex("^1[5-9]\\.[0-9]+$", var.engine_version))
    error_message = "engine_version must be a version of PostgreSQL from 15, such as 16.8: the migrations are tested with 15."
  }
}

variable "max_connections" {
  description = "Connections that the database accepts."
  type        = number

  validation {
    condition     = var.max_connections >= 50
    error_message = "max_connections must be at least 50: operators and replication need some of them."
  }
}
