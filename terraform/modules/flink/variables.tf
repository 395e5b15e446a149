variable "prefix" {
  description = "Beginning of the names."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,40}$", var.prefix))
    error_message = "prefix must be lower-case letters, digits and hyphens, and begin with a letter."
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

variable "region" {
  description = "Region of the application."
  type        = string
}

variable "artifact" {
  description = "The jar of scripts/flink package: ARN of its bucket, its key, and the KMS key of the bucket."
  type = object({
    bucket_arn = string
    key        = string
    key_arn    = string
  })

  validation {
    condition     = endswith(var.artifact.key, ".jar")
    error_message = "artifact.key must be the path of a jar, such as <release>/windows.jar: scripts/flink package makes it."
  }
}

variable "archive" {
  description = "Where the archive for questions is written: name and ARN of the bucket, its KMS key, and the prefix of the objects."
  type = object({
    bucket     = string
    bucket_arn = string
    key_arn    = string
    prefix     = optional(string, "parquet")
  })
}

variable "kafka" {
  description = "The MSK cluster: its ARN, brokers for IAM authentication, security group, and beginnings of the ARNs of topics, groups and transactions."
  type = object({
    cluster_arn            = string
    bootstrap_brokers      = string
    security_group_id      = string
    topic_arn_prefix       = string
    group_arn_prefix       = string
    transaction_arn_prefix = string
  })
}

variable "topics" {
  description = "Topics of the events of orders, payments and stock, and of the results, which the job creates."
  type = object({
    orders   = string
    payments = string
    stock    = string
    results  = string
  })

  validation {
    condition     = !contains([var.topics.orders, var.topics.payments, var.topics.stock], var.topics.results)
    error_message = "topics.results must be a topic of its own: figures are no events, and their readers would refuse them."
  }
}

variable "partitions" {
  description = "Partitions of the topic of the results."
  type        = number
  default     = 4
}

variable "checkpoint_ms" {
  description = "Milliseconds between checkpoints. Results are committed with a checkpoint, so that this is how old a figure may be."
  type        = number
  default     = 60000

  validation {
    condition     = var.checkpoint_ms >= 10000 && var.checkpoint_ms <= 600000
    error_message = "checkpoint_ms must be from 10000 to 600000: transactions that stay open longer than 15 minutes are aborted by Kafka."
  }
}

variable "parallelism" {
  description = "Tasks of each operator at the start, one to a KPU. The service scales by the load from there."
  type        = number
  default     = 1

  validation {
    condition     = var.parallelism >= 1 && var.parallelism <= 64
    error_message = "parallelism must be from 1 to 64."
  }
}

variable "lateness_minutes" {
  description = "Minutes after the end of its window from which a record counts as late."
  type        = number
  default     = 15

  validation {
    condition     = var.lateness_minutes >= 1 && var.lateness_minutes <= 99
    error_message = "lateness_minutes must be from 1 to 99."
  }
}

variable "kept_days" {
  description = "Days for which the state knows what was counted; records that are older are left out."
  type        = number
  default     = 31

  validation {
    condition     = var.kept_days >= 7 && var.kept_days <= 99
    error_message = "kept_days must be from 7, the retention of the topics, to 99: a record that is read again must be recognized."
  }
}

variable "is_started" {
  description = "Whether the application runs."
  type        = bool
  default     = true
}

variable "vpc_id" {
  description = "VPC of the application."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets of the application, one a zone."
  type        = list(string)
}

variable "logs_key_arn" {
  description = "KMS key of the log group."
  type        = string
}

variable "log_retention_days" {
  description = "Days for which CloudWatch keeps the application's logs."
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
