variable "name" {
  description = "Physical name of the function, its role and its log group."
  type        = string

  validation {
    condition     = length(var.name) <= 64
    error_message = "Names of functions and roles have at most 64 characters: shorten the name in shared/catalog or the environment's name."
  }
}

variable "arn_scope" {
  description = "Partition, region and account as in ARNs."
  type        = object({ partition = string, region = string, account_id = string })
}

variable "description" {
  description = "What the function is for, as the console shows it."
  type        = string
}

variable "artifact" {
  description = "Bucket and key of the function's package."
  type        = object({ bucket = string, key = string })
}

variable "architecture" {
  description = "Instruction set that the package was built for."
  type        = string

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture must be arm64 or x86_64, as the packages were built: scripts/build --arm64 builds for arm64."
  }
}

variable "memory_mb" {
  description = "Memory in MiB; determines the CPU share, too."
  type        = number

  validation {
    condition     = var.memory_mb >= 128 && var.memory_mb <= 10240
    error_message = "memory_mb must be from 128 to 10240: correct the row of the function in shared/catalog."
  }
}

variable "timeout_s" {
  description = "Timeout in seconds."
  type        = number

  validation {
    condition     = var.timeout_s >= 1 && var.timeout_s <= 900
    error_message = "timeout_s must be from 1 to 900 seconds, Lambda's maximum: correct the row of the function in shared/catalog."
  }
}

variable "environment" {
  description = "Environment variables: names and addresses, no secrets."
  type        = map(string)
}

variable "policy" {
  description = "The function's IAM policy as JSON."
  type        = string
}

variable "network" {
  description = "Subnets and security groups, or null for a function that uses nothing in the VPC."
  type        = object({ subnet_ids = list(string), security_group_ids = list(string) })
}

variable "alias" {
  description = "The alias that callers invoke. A deployment moves it from one version to the next."
  type        = string
}

variable "reserved_concurrency" {
  description = "Maximum concurrency, taken from the account's; null: only the account's limit."
  type        = number
}

variable "provisioned_concurrency" {
  description = "Execution environments that are kept initialized; 0: none."
  type        = number
}

variable "asynchronous" {
  description = "Retries and maximum age in seconds of asynchronous invocations, and the queue for what failed to the end, or null if there are none."
  type        = object({ retries = number, age_s = number, on_failure_arn = optional(string) })

  validation {
    condition     = var.asynchronous == null || try(var.asynchronous.retries <= 2 && var.asynchronous.age_s >= 60 && var.asynchronous.age_s <= 21600, false)
    error_message = "Lambda retries asynchronous invocations at most twice, for 60 seconds to 6 hours: correct codegen/terraform/limits.rs."
  }
}

variable "log" {
  description = "Retention in days, encryption key and lowest level of the function's log."
  type        = object({ retention_days = number, key_arn = string, level = string })
}

variable "code_signing_config_arn" {
  description = "Code signing configuration that packages must satisfy; null: packages are not signed."
  type        = string
}

variable "tags" {
  description = "Tags of the function."
  type        = map(string)
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds the roles."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:iam::[0-9]{12}:policy/", var.permissions_boundary))
    error_message = "permissions_boundary must be the ARN of a policy: a deployment may create no role without it."
  }
}

variable "tracing" {
  description = "Active: Lambda records a request a second and 5 % of the others in X-Ray, a share that cannot be configured. PassThrough: only what a caller samples."
  type        = string
  default     = "PassThrough"

  validation {
    condition     = contains(["Active", "PassThrough"], var.tracing)
    error_message = "tracing must be Active or PassThrough."
  }
}
