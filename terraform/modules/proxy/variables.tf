variable "prefix" {
  description = "Beginning of the names."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,40}$", var.prefix))
    error_message = "prefix must be lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "account_id" {
  description = "The account for which RDS assumes the role."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be twelve digits."
  }
}

variable "region" {
  description = "The region of the proxy, a part of its role's name."
  type        = string
}

variable "cluster_identifier" {
  description = "The cluster behind the proxy."
  type        = string
}

variable "secret_arns" {
  description = "Secrets with the passwords of the database roles, by role."
  type        = map(string)

  validation {
    condition     = length(var.secret_arns) > 0 && length(var.secret_arns) <= 200
    error_message = "secret_arns must hold from 1 to 200 secrets: a proxy reads no more."
  }
}

variable "connections_percent" {
  description = "Part of the database's connections that the proxy may use, in percent."
  type        = number
  default     = 90

  validation {
    condition     = var.connections_percent >= 10 && var.connections_percent <= 95
    error_message = "connections_percent must be from 10 to 95: operators need a connection when the pool is exhausted."
  }
}

variable "subnet_ids" {
  description = "Subnets of the proxy, in two or more zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must hold subnets in two or more availability zones."
  }
}

variable "security_group_id" {
  description = "Security group of the proxy."
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

variable "permissions_boundary" {
  description = "ARN of the policy that bounds the roles."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:iam::[0-9]{12}:policy/", var.permissions_boundary))
    error_message = "permissions_boundary must be the ARN of a policy: a deployment may create no role without it."
  }
}
