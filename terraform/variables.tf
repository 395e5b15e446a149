variable "environment" {
  description = "Name of the environment, a part of every physical name; prod turns on what protects data."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{0,11}$", var.environment))
    error_message = "environment must be one to twelve lower-case letters and digits that begin with a letter, such as dev or prod."
  }
}

variable "account_id" {
  description = "AWS account of the environment. An apply with credentials of another account is refused."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be the twelve digits of the AWS account: run aws sts get-caller-identity and set it in envs/<environment>/terraform.tfvars."
  }
}

variable "region" {
  description = "AWS region of everything but CloudFront's certificate and web ACL."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be the code of an AWS region, such as eu-west-1."
  }
}

variable "availability_zones" {
  description = "Availability zones of the subnets: three in prod, at least two elsewhere."
  type        = list(string)

  validation {
    condition     = var.environment != "prod" || length(distinct(var.availability_zones)) >= 3
    error_message = "prod runs in three availability zones, so that losing one leaves a majority of Kafka brokers: list at least three different zones in availability_zones."
  }

  validation {
    condition     = length(distinct(var.availability_zones)) >= 2 && length(distinct(var.availability_zones)) == length(var.availability_zones)
    error_message = "Aurora and RDS Proxy need subnets in two availability zones: list at least two zones in availability_zones, each once."
  }

  validation {
    condition     = alltrue([for zone in var.availability_zones : startswith(zone, var.region) && length(zone) > length(var.region)])
    error_message = "Every availability zone must be in region: for region eu-west-1 list eu-west-1a, eu-west-1b and so on."
  }
}

variable "alarm_emails" {
  description = "E-mail addresses that receive every alarm. Each has to confirm its subscription once."
  type        = set(string)

  validation {
    condition     = length(var.alarm_emails) > 0
    error_message = "alarm_emails is empty, so nobody would receive an alarm: list at least one address that is read at any hour."
  }

  validation {
    condition     = alltrue([for address in var.alarm_emails : can(regex("^[^@[:space:]]+@[^@[:space:]]+\\.[^@[:space:]]+$", address))])
    error_message = "Every entry of alarm_emails must be an e-mail address, such as operations@example.com."
  }
}

variable "log_retention_days" {
  description = "Days for which CloudWatch keeps logs; the archive in S3 keeps them for a year."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days must be a number of days that CloudWatch offers (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731). 0 would keep logs, and pay for them, for ever: choose 30 if in doubt."
  }
}

variable "backup_retention_days" {
  description = "Days for which automatic backups of the database are kept."
  type        = number
  default     = 14

  validation {
    condition     = var.backup_retention_days >= 1 && var.backup_retention_days <= 35 && floor(var.backup_retention_days) == var.backup_retention_days
    error_message = "backup_retention_days must be a whole number from 1 to 35: 0 would turn point-in-time recovery off."
  }

  validation {
    condition     = var.environment != "prod" || var.backup_retention_days >= 14
    error_message = "prod keeps its backups for at least two weeks: set backup_retention_days to 14 or more."
  }
}

variable "standby" {
  description = "Second region as a pilot light: data is copied there and nothing runs until active is true. health_check_host is the host of the primary region's API, which DNS asks before it sends clients to the standby. Null: no second region."
  type = object({
    region             = string
    availability_zones = list(string)
    cidr               = string
    active             = optional(bool, false)
    health_check_host  = optional(string)
  })
  default = null

  validation {
    condition     = var.standby == null || try(var.standby.region != var.region, false)
    error_message = "standby.region must differ from region: a copy in the same region is lost with it."
  }

  validation {
    condition = var.standby == null || try(
      length(var.standby.availability_zones) >= 2 && length(var.standby.availability_zones) <= 3 &&
      alltrue([for zone in var.standby.availability_zones : startswith(zone, var.standby.region)]), false
    )
    error_message = "standby.availability_zones must list two or three zones of standby.region."
  }
}

variable "offline" {
  description = "Plan without an AWS account, with any credentials: nothing is looked up or verified. Never apply with it."
  type        = bool
  default     = false
}
