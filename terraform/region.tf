# The pilot light: with var.standby, all data is copied to a second region. With standby.active, the proxy, the cache, the stream and the
# Kafka cluster run there, too, and the functions of that region have what they need. docs/runbooks/region-failover.md has the steps.

locals {
  standby_count  = var.standby == null ? 0 : 1
  standby_active = try(var.standby.active, false) ? 1 : 0
}

module "standby_keys" {
  source    = "./modules/keys"
  count     = local.standby_count
  providers = { aws = aws.standby }

  prefix     = local.prefix
  account_id = var.account_id
  region     = local.standby_region
}

module "standby_network" {
  source    = "./modules/network"
  count     = local.standby_count
  providers = { aws = aws.standby }

  prefix               = local.prefix
  account_id           = var.account_id
  region               = local.standby_region
  cidr                 = var.standby.cidr
  availability_zones   = var.standby.availability_zones
  nat_gateways         = var.standby.active ? var.network.nat_gateways : "none"
  interface_endpoints  = var.standby.active ? var.network.interface_endpoints : []
  log_retention_days   = var.log_retention_days
  logs_key_arn         = module.standby_keys[0].arns.logs
  permissions_boundary = module.boundary.arn
}

module "standby_buckets" {
  source    = "./modules/buckets"
  count     = local.standby_count
  providers = { aws = aws.standby }

  prefix        = local.prefix
  account_id    = var.account_id
  suffix        = "-standby"
  buckets       = local.buckets
  enforce_locks = local.is_production
  key_arn       = module.standby_keys[0].arns.buckets
}

module "region" {
  source    = "./modules/region"
  count     = local.standby_count
  providers = { aws = aws, aws.standby = aws.standby }

  prefix     = local.prefix
  account_id = var.account_id
  database = {
    cluster_arn           = module.database.cluster_arn
    engine_version        = module.database.engine_version
    backup_retention_days = var.backup_retention_days
    instances             = var.standby.active ? var.database.instances : 0
    max_connections       = var.database.max_connections
    capacity              = var.database.capacity
  }
  tables = module.tables.arns
  buckets = {
    for name in keys(local.buckets) : name => {
      source_name = module.buckets.names[name]
      source_arn  = module.buckets.arns[name]
      copy_arn    = module.standby_buckets[0].arns[name]
    }
  }
  key_arns = {
    buckets  = module.standby_keys[0].arns.buckets
    database = module.standby_keys[0].arns.database
    logs     = module.standby_keys[0].arns.logs
    tables   = module.standby_keys[0].arns.tables
  }
  subnet_ids           = module.standby_network[0].data_subnet_ids
  security_group_id    = module.standby_network[0].security_group_ids.database
  deletion_protection  = local.is_production
  log_retention_days   = var.log_retention_days
  health_check_host    = var.standby.health_check_host
  permissions_boundary = module.boundary.arn

  final_snapshot_suffix = var.final_snapshot_suffix
}

# ---- What runs only while the standby is active ----------------------------------------------------------------

module "standby_proxy" {
  source    = "./modules/proxy"
  count     = local.standby_active
  providers = { aws = aws.standby }

  prefix             = local.prefix
  account_id         = var.account_id
  region             = local.standby_region
  cluster_identifier = module.region[0].cluster_identifier
  # A replica of a secret differs from it in the region only.
  secret_arns = {
    for user, arn in module.database.secret_arns : user => replace(arn, ":${var.region}:", ":${local.standby_region}:")
  }
  subnet_ids           = module.standby_network[0].data_subnet_ids
  security_group_id    = module.standby_network[0].security_group_ids.proxy
  logs_key_arn         = module.standby_keys[0].arns.logs
  log_retention_days   = var.log_retention_days
  permissions_boundary = module.boundary.arn
}

module "standby_cache" {
  source    = "./modules/cache"
  count     = local.standby_active
  providers = { aws = aws.standby }

  prefix             = local.prefix
  node_type          = var.cache.node_type
  nodes              = var.cache.nodes
  subnet_ids         = module.standby_network[0].data_subnet_ids
  security_group_id  = module.standby_network[0].security_group_ids.cache
  key_arn            = module.standby_keys[0].arns.cache
  logs_key_arn       = module.standby_keys[0].arns.logs
  log_retention_days = var.log_retention_days
}

module "standby_kinesis" {
  source    = "./modules/kinesis"
  count     = local.standby_active
  providers = { aws = aws.standby }

  prefix  = local.prefix
  streams = keys(local.catalog.streams)
  key_arn = module.standby_keys[0].arns.streams
}

module "standby_kafka" {
  source    = "./modules/kafka"
  count     = local.standby_active
  providers = { aws = aws.standby }

  prefix             = local.prefix
  topics             = { for name, topic in local.catalog.kafka_topics : name => { partitions = topic.partitions, settings = topic.settings } }
  brokers            = length(var.standby.availability_zones) * ceil(3 / length(var.standby.availability_zones))
  instance_type      = var.kafka.instance_type
  volume_gib         = var.kafka.volume_gib
  retention_hours    = var.kafka.retention_hours
  subnet_ids         = module.standby_network[0].data_subnet_ids
  security_group_id  = module.standby_network[0].security_group_ids.kafka
  key_arn            = module.standby_keys[0].arns.kafka
  logs_key_arn       = module.standby_keys[0].arns.logs
  log_retention_days = var.log_retention_days
}
