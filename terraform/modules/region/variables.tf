variable "prefix" {
  description = "Beginning of the names, the same in both regions."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,40}$", var.prefix))
    error_message = "prefix must be lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "account_id" {
  description = "The account for which S3 assumes the replication role."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be twelve digits."
  }
}

variable "database" {
  description = "The primary cluster, and the size of its copy. Instances: 0 until a failover."
  type = object({
    cluster_arn           = string
    engine_version        = string
    backup_retention_days = number
    instances             = number
    max_connections       = number
    capacity = object({
      min = number
      max = number
    })
  })

  validation {
    condition     = var.database.instances >= 0 && var.database.instances <= 15
    error_message = "database.instances must be from 0 to 15."
  }
}

variable "tables" {
  description = "ARNs of the primary tables, by the catalog's name."
  type        = map(string)
}

variable "buckets" {
  description = "Buckets and their copies in the standby region, by the catalog's name."
  type = map(object({
    source_name = string
    source_arn  = string
    copy_arn    = string
  }))
}

variable "key_arns" {
  description = "KMS keys of the standby region."
  type = object({
    buckets  = string
    database = string
    logs     = string
    tables   = string
  })
}

variable "subnet_ids" {
  description = "Data subnets of the standby region."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must hold subnets in two or more availability zones."
  }
}

variable "security_group_id" {
  description = "Security group of the database in the standby region."
  type        = string
}

variable "deletion_protection" {
  description = "Whether deleting copies of data is refused."
  type        = bool
}

variable "log_retention_days" {
  description = "Days for which CloudWatch keeps the logs."
  type        = number

  validation {
    condition     = var.log_retention_days > 0
    error_message = "log_retention_days must be above 0, which would keep logs for ever: choose 30 if in doubt."
  }
}

variable "health_check_host" {
  description = "Host of the primary region's API, not of the name that fails over. Null: no health check."
  type        = string
  default     = null

  validation {
    condition     = var.health_check_host == null || can(regex("^[a-z0-9.-]+\\.[a-z]+$", var.health_check_host))
    error_message = "health_check_host must be a host name without protocol and path, such as eu-west-1.api.example.com."
  }
}

variable "health_check_path" {
  description = "Path that answers 200 while the primary region works."
  type        = string
  default     = "/ready"

  validation {
    condition     = startswith(var.health_check_path, "/")
    error_message = "health_check_path must begin with a slash."
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

variable "final_snapshot_suffix" {
  description = "End of the name of the snapshot that is made when the cluster is removed."
  type        = string
  default     = "final"

  validation {
    condition     = can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", var.final_snapshot_suffix))
    error_message = "final_snapshot_suffix must be lower-case letters, digits and single hyphens, such as final-2."
  }
}
