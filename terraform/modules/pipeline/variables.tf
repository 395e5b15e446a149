variable "prefix" {
  description = "Beginning of physical names, such as quayside-dev."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,30}$", var.prefix))
    error_message = "prefix must be 3 to 31 lower-case letters, digits and hyphens, such as quayside-dev."
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
  description = "AWS region of the environment."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be the code of an AWS region, such as eu-west-1."
  }
}

variable "key_arn" {
  description = "Key of the artifacts, logs and builds."
  type        = string

  validation {
    condition     = startswith(var.key_arn, "arn:")
    error_message = "key_arn must be the ARN of a KMS key: nothing here is stored with AWS's shared keys."
  }
}

variable "topic_arns" {
  description = "Topics of alarms by severity: page, ticket."
  type        = map(string)

  validation {
    condition     = contains(keys(var.topic_arns), "page") && contains(keys(var.topic_arns), "ticket")
    error_message = "topic_arns must have the topics page and ticket."
  }
}

variable "topics_key_arn" {
  description = "Key of these topics, with which the request for an approval is encrypted."
  type        = string

  validation {
    condition     = startswith(var.topics_key_arn, "arn:")
    error_message = "topics_key_arn must be the ARN of the key of the topics: without it nobody is asked for an approval."
  }
}

variable "secrets_key_arn" {
  description = "Key of the secrets, which a plan compares with the state."
  type        = string

  validation {
    condition     = startswith(var.secrets_key_arn, "arn:")
    error_message = "secrets_key_arn must be the ARN of the key of the secrets."
  }
}

variable "environment" {
  description = "Environment that the pipeline deploys: names its files under envs/."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{0,11}$", var.environment))
    error_message = "environment must be one to twelve lower-case letters and digits, such as dev or prod."
  }
}

variable "artifacts" {
  description = "Bucket of the artifacts."
  type        = object({ name = string, arn = string })

  validation {
    condition     = startswith(var.artifacts.arn, "arn:aws:s3:::")
    error_message = "artifacts.arn must be the ARN of a bucket."
  }
}

variable "state_bucket" {
  description = "Bucket of the remote state (envs/<environment>/backend.hcl)."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{2,62}$", var.state_bucket))
    error_message = "state_bucket must be the name of the bucket in envs/<environment>/backend.hcl."
  }
}

variable "repository" {
  description = "Repository on GitHub, owner/name."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.repository))
    error_message = "repository must be owner/name, without wildcards."
  }
}

variable "connection_arn" {
  description = "Connection to GitHub, confirmed once in the console (Developer Tools, Settings, Connections). Null: no pipeline, only the drift check with what GitHub Actions deploys."
  type        = string
  default     = null

  validation {
    condition     = var.connection_arn == null || can(regex("^arn:aws:(codeconnections|codestar-connections):", var.connection_arn))
    error_message = "connection_arn must be the ARN of a connection, arn:aws:codeconnections:…"
  }
}

variable "drift_schedule" {
  description = "When the drift check runs."
  type        = string
  default     = "cron(0 5 * * ? *)"

  validation {
    condition     = can(regex("^(cron|rate)\\(.+\\)$", var.drift_schedule))
    error_message = "drift_schedule must be a schedule expression, such as cron(0 5 * * ? *)."
  }
}

variable "log_retention_days" {
  description = "Days for which CloudWatch keeps the logs of builds."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365], var.log_retention_days)
    error_message = "log_retention_days must be a number of days that CloudWatch offers, such as 30; 0 would keep logs for ever."
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
