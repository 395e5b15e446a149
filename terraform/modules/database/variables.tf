variable "prefix" {
  description = "Beginning of the names."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*-[a-z][a-z0-9]*$", var.prefix))
    error_message = "prefix must be <product>-<environment>, in lower-case letters and digits."
  }
}

variable "account_id" {
  description = "The account for which RDS assumes the roles."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be twelve digits."
  }
}

variable "region" {
  description = "The region of the cluster."
  type        = string
}

variable "replica" {
  description = "Second region with copies of the secrets, and the KMS key there. Null: none."
  type = object({
    region  = string
    key_arn = string
  })
  default = null
}

variable "engine_version" {
  description = "Version of Aurora PostgreSQL."
  type        = string
  default     = "16.8"

  validation {
    condition     = can(regex("^1[5-9]\\.[0-9]+$", var.engine_version))
    error_message = "engine_version must be a version of PostgreSQL from 15, such as 16.8: the migrations are tested with 15."
  }
}

variable "database_name" {
  description = "Name of the database."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.database_name))
    error_message = "database_name must be lower-case letters, digits and underscores."
  }
}

variable "owner" {
  description = "The role that owns the database and applies migrations."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.owner))
    error_message = "owner must be the name of a PostgreSQL role."
  }
}

variable "users" {
  description = "The roles of the contexts, without the owner. Each gets a secret and may log in at the proxy."
  type        = set(string)

  validation {
    condition     = length(var.users) > 0 && !contains(var.users, var.owner)
    error_message = "users must hold the roles of the contexts and not the owner, whose secret is separate."
  }
}

variable "secrets_path" {
  description = "Path of the roles' secrets below product and environment; the function that rotates them may use this path only."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*$", var.secrets_path))
    error_message = "secrets_path must be one segment of lower-case letters, digits and hyphens."
  }
}

variable "owner_password" {
  description = "Password of the owner, for a cluster in a global database only: Aurora manages it otherwise. Never stored in the state."
  type        = string
  default     = null
  ephemeral   = true
  sensitive   = true
}

variable "owner_password_version" {
  description = "Increase it to set owner_password again."
  type        = number
  default     = 1

  validation {
    condition     = var.owner_password_version >= 1
    error_message = "owner_password_version must be 1 or more."
  }
}

variable "is_global" {
  description = "Whether the cluster belongs to a global database, with a copy in another region."
  type        = bool
}

variable "capacity" {
  description = "Capacity in ACUs of 2 GiB of memory each: the least and the most that Aurora scales an instance to."
  type = object({
    min = number
    max = number
  })

  validation {
    condition     = var.capacity.min >= 0.5 && var.capacity.max <= 256 && var.capacity.max >= 1 && var.capacity.min <= var.capacity.max
    error_message = "capacity.min must be at least 0.5, because the proxy keeps connections open and the cluster never pauses, and at most capacity.max, which must be from 1 to 256."
  }
}

variable "instances" {
  description = "Instances of the cluster: a writer, and readers that take over when it fails."
  type        = number

  validation {
    condition     = var.instances >= 1 && var.instances <= 15
    error_message = "instances must be from 1 to 15."
  }
}

variable "max_connections" {
  description = "Connections that the database accepts."
  type        = number

  validation {
    condition     = var.max_connections >= 50 && var.max_connections <= 190 * var.capacity.max
    error_message = "max_connections must be from 50 to 190 times capacity.max: Aurora has memory for about that many. Raise capacity.max or lower max_connections."
  }

  validation {
    condition     = var.capacity.min >= 1 || var.max_connections <= 2000
    error_message = "Aurora limits max_connections to 2000 while capacity.min is below 1: raise capacity.min or lower max_connections."
  }
}

variable "proxy_connections_percent" {
  description = "Part of max_connections that the proxy may use, in percent. The rest is for operators and replication."
  type        = number
  default     = 90

  validation {
    condition     = var.proxy_connections_percent >= 10 && var.proxy_connections_percent <= 95
    error_message = "proxy_connections_percent must be from 10 to 95: operators need a connection when the pool is exhausted."
  }
}

variable "backup_retention_days" {
  description = "Days for which automatic backups are kept."
  type        = number

  validation {
    condition     = var.backup_retention_days >= 1 && var.backup_retention_days <= 35
    error_message = "backup_retention_days must be from 1 to 35."
  }
}

variable "deletion_protection" {
  description = "Whether deleting the cluster is refused."
  type        = bool
}

variable "subnet_ids" {
  description = "Subnets of the cluster and the proxy, in two or more zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must hold subnets in two or more availability zones."
  }
}

variable "security_group_ids" {
  description = "Security groups of the cluster and of the proxy."
  type = object({
    database = string
    proxy    = string
  })
}

variable "key_arn" {
  description = "KMS key of the storage, snapshots and Performance Insights."
  type        = string
}

variable "secrets_key_arn" {
  description = "KMS key of the secrets."
  type        = string
}

variable "logs_key_arn" {
  description = "KMS key of the log groups."
  type        = string
}

variable "log_retention_days" {
  description = "Days for which CloudWatch keeps the logs."
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

variable "final_snapshot_suffix" {
  description = "End of the name of the snapshot that is made when the cluster is removed."
  type        = string
  default     = "final"

  validation {
    condition     = can(regex("^[a-z0-9]+(-[a-z0-9]+)*$", var.final_snapshot_suffix))
    error_message = "final_snapshot_suffix must be lower-case letters, digits and single hyphens, such as final-2."
  }
}
