variable "repository" {
  description = "Repository on GitHub, owner/name, whose workflows deploy the environment. Null: none."
  type        = string
  default     = null
}

variable "creates_github_provider" {
  description = "Whether this environment registers GitHub's identity provider; an account has one."
  type        = bool
  default     = true
}

variable "pipeline" {
  description = "CodePipeline over a connection to GitHub, confirmed once in the console. Null: GitHub Actions alone deploys."
  type = object({
    connection_arn = optional(string)
    drift_schedule = optional(string, "cron(0 5 * * ? *)")
  })
  default = null

  validation {
    condition     = var.pipeline == null || var.repository != null
    error_message = "A pipeline needs a source: set repository to owner/name, too."
  }
}

variable "state_bucket" {
  description = "Bucket of the remote state, as in envs/<environment>/backend.hcl. Null: <prefix>-state-<account>."
  type        = string
  default     = null
}

variable "canary" {
  description = "Percentage of requests that reach a new version of a function first, and for how many minutes."
  type        = object({ percentage = number, minutes = number })
  default     = { percentage = 10, minutes = 5 }
}

locals {
  state_bucket = coalesce(var.state_bucket, "${local.prefix}-state-${var.account_id}")
}

module "artifacts" {
  source = "./modules/artifacts"

  prefix     = local.prefix
  account_id = var.account_id
  key_arn    = module.keys.arns.artifacts
}

module "deployment" {
  source = "./modules/deployment"

  prefix               = local.prefix
  account_id           = var.account_id
  functions            = module.observability.rollback_alarm_names
  canary               = var.canary
  permissions_boundary = module.boundary.arn
}

module "github" {
  source = "./modules/github"
  count  = var.repository == null ? 0 : 1

  prefix               = local.prefix
  account_id           = var.account_id
  region               = var.region
  environment          = var.environment
  repository           = var.repository
  artifacts_arn        = module.artifacts.arn
  key_arns             = [module.keys.arns.artifacts]
  state_bucket         = local.state_bucket
  creates_provider     = var.creates_github_provider
  permissions_boundary = module.boundary.arn
}

module "pipeline" {
  source = "./modules/pipeline"
  count  = var.pipeline == null ? 0 : 1

  prefix               = local.prefix
  account_id           = var.account_id
  region               = var.region
  environment          = var.environment
  key_arn              = module.keys.arns.artifacts
  secrets_key_arn      = module.keys.arns.secrets
  artifacts            = { name = module.artifacts.bucket, arn = module.artifacts.arn }
  state_bucket         = local.state_bucket
  repository           = var.repository
  connection_arn       = var.pipeline.connection_arn
  drift_schedule       = var.pipeline.drift_schedule
  topic_arns           = module.notifications.topic_arns
  topics_key_arn       = module.notifications.key_arn
  log_retention_days   = var.log_retention_days
  permissions_boundary = module.boundary.arn
}

output "github_role_arns" {
  description = "Roles of the workflows: plan, drift, deploy."
  value       = one(module.github[*].role_arns)
}

output "release" {
  description = "Release of the functions that was applied last; the drift check plans with it."
  value       = var.release
}

output "deployment_application" {
  description = "CodeDeploy application; a deployment group is called like its function."
  value       = module.deployment.application
}
