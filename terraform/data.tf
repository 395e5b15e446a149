variable "database" {
  description = "Aurora: capacity in ACUs, instances (a writer and its readers), and connections."
  type = object({
    capacity = object({
      min = number
      max = number
    })
    instances       = number
    max_connections = number
  })

  validation {
    condition     = var.environment != "prod" || var.database.instances >= 2
    error_message = "prod needs database.instances of 2 or more: without a reader, a failed writer means minutes without a database."
  }
}

variable "final_snapshot_suffix" {
  description = "End of the name of the snapshot that is made when the database is removed. Another one for each time: a snapshot that exists is not replaced."
  type        = string
  default     = "final"
}

variable "database_owner_password" {
  description = "Password of the database's owner, only for an environment with a standby: Aurora does not manage it in a global database. Set it with TF_VAR_database_owner_password; it is not stored in the state."
  type        = string
  default     = null
  ephemeral   = true
  sensitive   = true

  validation {
    condition     = var.standby == null || try(length(var.database_owner_password) >= 24, false)
    error_message = "An environment with a standby needs database_owner_password with 24 or more characters: generate one (openssl rand -hex 24) and pass it as TF_VAR_database_owner_password."
  }
}

variable "cache" {
  description = "Valkey: type and number of its nodes."
  type = object({
    node_type = string
    nodes     = number
  })

  validation {
    condition     = var.environment != "prod" || var.cache.nodes >= 2
    error_message = "prod needs cache.nodes of 2 or more: with one, every failure or update sends all reads to the tables at once."
  }
}

locals {
  # Every role with which some function logs in, from the rows of the catalog.
  database_users = toset([
    for function in local.catalog.functions : function.environment.DATABASE_USER.name
    if can(function.environment.DATABASE_USER.name)
  ])

  # Aurora keeps and rotates the owner's secret, except in a global database.
  database_secret_users = setsubtract(local.database_users, var.standby == null ? [local.catalog.database.owner] : [])

  # Copies of secrets in the standby region, encrypted with its key.
  secret_replica = one([for keys in module.standby_keys : { region = local.standby_region, key_arn = keys.arns.secrets }])
}

module "database" {
  source = "./modules/database"

  prefix                = local.prefix
  account_id            = var.account_id
  region                = var.region
  database_name         = local.catalog.prefix
  owner                 = local.catalog.database.owner
  users                 = setsubtract(local.database_users, [local.catalog.database.owner])
  secrets_path          = local.catalog.database.secrets
  owner_password        = var.database_owner_password
  is_global             = var.standby != null
  replica               = local.secret_replica
  capacity              = var.database.capacity
  instances             = var.database.instances
  max_connections       = var.database.max_connections
  backup_retention_days = var.backup_retention_days
  deletion_protection   = local.is_production
  final_snapshot_suffix = var.final_snapshot_suffix
  subnet_ids            = module.network.data_subnet_ids
  security_group_ids    = { database = module.network.security_group_ids.database, proxy = module.network.security_group_ids.proxy }
  key_arn               = module.keys.arns.database
  secrets_key_arn       = module.keys.arns.secrets
  logs_key_arn          = module.keys.arns.logs
  log_retention_days    = var.log_retention_days
  permissions_boundary  = module.boundary.arn
}

module "tables" {
  source = "./modules/tables"

  prefix              = local.prefix
  tables              = { for name, table in local.catalog.tables : name => { key = table.key, ttl = table.ttl, index = table.index } }
  deletion_protection = local.is_production
  key_arn             = module.keys.arns.tables
}

module "cache" {
  source = "./modules/cache"

  prefix             = local.prefix
  node_type          = var.cache.node_type
  nodes              = var.cache.nodes
  subnet_ids         = module.network.data_subnet_ids
  security_group_id  = module.network.security_group_ids.cache
  key_arn            = module.keys.arns.cache
  logs_key_arn       = module.keys.arns.logs
  log_retention_days = var.log_retention_days
}

module "buckets" {
  source = "./modules/buckets"

  prefix        = local.prefix
  account_id    = var.account_id
  buckets       = local.buckets
  enforce_locks = local.is_production
  key_arn       = module.keys.arns.buckets
}

locals {
  buckets = {
    for name, bucket in local.catalog.buckets : name => { locked_years = bucket.locked_years, retained_days = bucket.retained_days }
  }
}

module "secrets" {
  source = "./modules/secrets"

  prefix  = local.prefix
  secrets = { for name, secret in local.catalog.secrets : name => { rotated_by = secret.rotated_by } }
  replica = local.secret_replica
  key_arn = module.keys.arns.secrets
}
