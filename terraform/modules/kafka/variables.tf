variable "prefix" {
  description = "Beginning of the names."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,40}$", var.prefix))
    error_message = "prefix must be lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "kafka_version" {
  description = "Version of Apache Kafka."
  type        = string
  default     = "3.8.x"

  validation {
    condition     = can(regex("^3\\.(7|8|9)\\.x(\\.kraft)?$", var.kafka_version))
    error_message = "kafka_version must be a version that MSK offers, such as 3.8.x."
  }
}

variable "brokers" {
  description = "Brokers: three, or a multiple of the number of subnets above that."
  type        = number

  validation {
    condition     = var.brokers >= 3
    error_message = "brokers must be 3 or more: each record has three replicas, of which two must be in sync."
  }

  validation {
    condition     = var.brokers % length(var.subnet_ids) == 0
    error_message = "brokers must be a multiple of the number of availability zones, because MSK puts the same number into each."
  }
}

variable "instance_type" {
  description = "Type of the brokers."
  type        = string

  validation {
    condition     = can(regex("^(kafka|express)\\.[a-z0-9]+\\.[a-z0-9]+$", var.instance_type))
    error_message = "instance_type must be a broker type of MSK, such as kafka.t3.small or kafka.m7g.large."
  }
}

variable "volume_gib" {
  description = "Storage of each broker in GiB."
  type        = number

  validation {
    condition     = var.volume_gib >= 1 && var.volume_gib <= 16384
    error_message = "volume_gib must be from 1 to 16384."
  }
}

variable "retention_hours" {
  description = "Hours for which topics keep records: the time to repair a consumer. The archive keeps them longer."
  type        = number
  default     = 168

  validation {
    condition     = var.retention_hours >= 24
    error_message = "retention_hours must be 24 or more: a consumer that fails at night would lose records before anyone repairs it. 0 would keep nothing."
  }
}

variable "topics" {
  description = "Topics by name, each with its number of partitions and the settings that differ between topics."
  type = map(object({
    partitions = number
    settings   = map(string)
  }))

  validation {
    condition     = alltrue([for topic in var.topics : topic.partitions >= 1])
    error_message = "Every topic needs one partition or more."
  }

  validation {
    condition     = alltrue([for topic in var.topics : contains(["delete", "compact,delete"], lookup(topic.settings, "cleanup.policy", ""))])
    error_message = "Every topic needs a cleanup.policy that deletes: delete, or compact,delete."
  }
}

variable "subnet_ids" {
  description = "Subnets of the brokers, one a zone."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) == 2 || length(var.subnet_ids) == 3
    error_message = "subnet_ids must hold subnets in two or three availability zones: MSK takes no other number."
  }
}

variable "security_group_id" {
  description = "Security group of the brokers."
  type        = string
}

variable "key_arn" {
  description = "KMS key of the records."
  type        = string
}

variable "logs_key_arn" {
  description = "KMS key of the log group."
  type        = string
}

variable "log_retention_days" {
  description = "Days for which CloudWatch keeps the brokers' logs."
  type        = number

  validation {
    condition     = var.log_retention_days > 0
    error_message = "log_retention_days must be above 0, which would keep logs for ever: choose 30 if in doubt."
  }
}
