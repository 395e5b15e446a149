variable "prefix" {
  description = "Beginning of the names."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,29}$", var.prefix))
    error_message = "prefix must be at most thirty lower-case letters, digits and hyphens, and begin with a letter: ElastiCache limits its names to forty."
  }
}

variable "engine_version" {
  description = "Version of Valkey."
  type        = string
  default     = "8.0"

  validation {
    condition     = can(regex("^([89]|[1-9][0-9])\\.[0-9]+$", var.engine_version))
    error_message = "engine_version must be a version of Valkey from 8.0."
  }
}

variable "node_type" {
  description = "Type of the nodes."
  type        = string

  validation {
    condition     = can(regex("^cache\\.[a-z0-9]+\\.[a-z0-9]+$", var.node_type))
    error_message = "node_type must be a node type of ElastiCache, such as cache.t4g.small."
  }
}

variable "nodes" {
  description = "Nodes: one, or a primary with replicas in other zones that take over."
  type        = number

  validation {
    condition     = var.nodes >= 1 && var.nodes <= 6
    error_message = "nodes must be from 1 to 6."
  }
}

variable "subnet_ids" {
  description = "Subnets of the nodes."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must hold subnets in two or more availability zones."
  }
}

variable "security_group_id" {
  description = "Security group of the nodes."
  type        = string
}

variable "key_arn" {
  description = "KMS key of the data at rest."
  type        = string
}

variable "logs_key_arn" {
  description = "KMS key of the log group."
  type        = string
}

variable "log_retention_days" {
  description = "Days for which CloudWatch keeps the log."
  type        = number

  validation {
    condition     = var.log_retention_days > 0
    error_message = "log_retention_days must be above 0, which would keep logs for ever: choose 30 if in doubt."
  }
}
