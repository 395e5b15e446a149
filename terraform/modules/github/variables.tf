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

variable "repository" {
  description = "Repository on GitHub, owner/name, whose workflows get the roles."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.repository))
    error_message = "repository must be owner/name, without wildcards: any other repository could deploy otherwise."
  }
}

variable "environment" {
  description = "Environment on GitHub whose jobs may deploy. Its rules are set there: required reviewers, and deployments from the main branch alone."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{0,11}$", var.environment))
    error_message = "environment must be the name of one environment, without wildcards."
  }
}

variable "branch" {
  description = "Branch whose workflows look for drift."
  type        = string
  default     = "main"

  validation {
    condition     = can(regex("^[A-Za-z0-9._/-]+$", var.branch))
    error_message = "branch must be the name of one branch, without wildcards."
  }
}

variable "artifacts_arn" {
  description = "ARN of the artifacts' bucket."
  type        = string

  validation {
    condition     = startswith(var.artifacts_arn, "arn:aws:s3:::")
    error_message = "artifacts_arn must be the ARN of a bucket."
  }
}

variable "key_arns" {
  description = "Keys of the artifacts and of the remote state."
  type        = list(string)

  validation {
    condition     = length(var.key_arns) > 0 && alltrue([for arn in var.key_arns : startswith(arn, "arn:aws:kms:")])
    error_message = "key_arns must list the ARN of at least the artifacts' key."
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

variable "creates_provider" {
  description = "Whether this environment registers GitHub's identity provider. An account has one: of several environments in one account, one creates it."
  type        = bool
  default     = true
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds the roles."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:iam::[0-9]{12}:policy/", var.permissions_boundary))
    error_message = "permissions_boundary must be the ARN of a policy: a deployment may create no role without it."
  }
}
