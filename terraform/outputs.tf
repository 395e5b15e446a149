output "prefix" {
  description = "Beginning of the physical names of the environment."
  value       = local.prefix
}

output "kafka_topics" {
  description = "Topics to be created on the cluster: partitions, replicas and settings."
  value       = module.kafka.topics
}

output "database_proxy_endpoint" {
  description = "Host at which functions connect to the database."
  value       = module.database.proxy_endpoint
}

output "standby" {
  description = "Addresses in the standby region, null while it has none."
  value = var.standby == null ? null : {
    database_proxy_endpoint = one(module.standby_proxy[*].endpoint)
    kafka_bootstrap_brokers = one(module.standby_kafka[*].bootstrap_brokers)
    cache_url               = one(module.standby_cache[*].url)
    private_subnet_ids      = module.standby_network[0].private_subnet_ids
    security_group_ids      = module.standby_network[0].security_group_ids
    health_check_id         = module.region[0].health_check_id
  }
}
