variable "rotation_days" {
  description = "Days between two rotations of a secret."
  type        = number
  default     = 30

  validation {
    condition     = var.rotation_days >= 1 && var.rotation_days <= 90
    error_message = "rotation_days must be from 1 to 90: a secret that nobody replaces for longer is one that nobody can replace."
  }
}

locals {
  database_rotation = local.catalog.database.rotated_by

  rotating = toset([
    for function in concat([local.database_rotation], [for secret in local.catalog.secrets : secret.rotated_by]) : function
    if function != null
  ])
}

# Which function replaces which secret is in the catalog. The secrets of database roles have one function, which follows the protocol of
# Secrets Manager; the others are replaced when a schedule invokes their function.
module "rotation" {
  source = "./modules/rotation"

  prefix                = local.prefix
  account_id            = var.account_id
  days                  = var.rotation_days
  dead_letter_queue_arn = module.messaging.dead_letter_queue_arns[local.catalog.queues.undelivered]
  key_arn               = module.keys.arns["secrets"]

  functions = {
    for name in local.rotating : name => { arn = module.function[name].arn, alias = module.function[name].alias_name }
  }

  managed = {
    for user in local.database_secret_users : "${local.catalog.database.secrets}/${user}" => { secret_arn = module.database.secret_arns[user], function = local.database_rotation }
    if local.database_rotation != null
  }

  scheduled = {
    for name, secret in local.catalog.secrets : name => { function = secret.rotated_by } if secret.rotated_by != null
  }
  permissions_boundary = module.boundary.arn
}
