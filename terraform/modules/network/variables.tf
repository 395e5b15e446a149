variable "prefix" {
  description = "Beginning of the names."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,40}$", var.prefix))
    error_message = "prefix must be lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "account_id" {
  description = "The account whose principals may use the endpoints."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be twelve digits."
  }
}

variable "region" {
  description = "The region of the VPC."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be the code of an AWS region, such as eu-west-1."
  }
}

variable "cidr" {
  description = "IPv4 range of the VPC, of which each subnet gets a sixteenth."
  type        = string

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && can(regex("^(10\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.|192\\.168\\.)", var.cidr))
    error_message = "cidr must be a private IPv4 range in CIDR notation, such as 10.20.0.0/16."
  }

  validation {
    condition     = try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 20, false)
    error_message = "cidr is too small or too large: each of up to twelve subnets gets a sixteenth of it and needs at least 251 addresses for functions and brokers. Choose a range from /16 to /20."
  }
}

variable "availability_zones" {
  description = "Availability zones, two to four."
  type        = list(string)

  validation {
    condition     = length(var.availability_zones) >= 2 && length(var.availability_zones) <= 4
    error_message = "List two to four availability zones: data stores need two, and the range of the VPC is divided for four."
  }
}

variable "nat_gateways" {
  description = "NAT gateways: none, single (cheaper; losing its zone cuts functions off the payment gateway) or per_zone."
  type        = string

  validation {
    condition     = contains(["none", "single", "per_zone"], var.nat_gateways)
    error_message = "nat_gateways must be none, single or per_zone."
  }
}

variable "interface_endpoints" {
  description = "Services that are reached through interface endpoints, by the last part of the endpoint's service name."
  type        = set(string)

  validation {
    condition     = alltrue([for service in var.interface_endpoints : can(regex("^[a-z][a-z0-9.-]+$", service))])
    error_message = "interface_endpoints must hold service names such as sqs, events or kinesis-streams."
  }
}

variable "log_retention_days" {
  description = "Days for which CloudWatch keeps the flow logs."
  type        = number

  validation {
    condition     = var.log_retention_days > 0
    error_message = "log_retention_days must be above 0, which would keep flow logs for ever: choose 30 if in doubt."
  }
}

variable "logs_key_arn" {
  description = "KMS key of the log group."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:kms:", var.logs_key_arn))
    error_message = "logs_key_arn must be the ARN of a KMS key."
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
