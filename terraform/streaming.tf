variable "kafka" {
  description = "MSK: number, type and storage of the brokers, and hours for which topics keep records."
  type = object({
    brokers         = number
    instance_type   = string
    volume_gib      = number
    retention_hours = number
  })

  validation {
    condition     = var.kafka.brokers >= 3 && var.kafka.brokers % length(var.availability_zones) == 0
    error_message = "kafka.brokers must be 3 or more and a multiple of the number of availability_zones: each record has three replicas, and MSK puts the same number of brokers into each zone."
  }

  validation {
    condition     = var.environment != "prod" || !startswith(var.kafka.instance_type, "kafka.t3")
    error_message = "prod needs a kafka.instance_type with steady CPU, such as kafka.m7g.large: t3 brokers are throttled when their credits are used up."
  }

  validation {
    condition     = var.kafka.retention_hours >= 24
    error_message = "kafka.retention_hours must be 24 or more: topics would lose records before anyone repairs a consumer."
  }
}

module "kinesis" {
  source = "./modules/kinesis"

  prefix  = local.prefix
  streams = keys(local.catalog.streams)
  key_arn = module.keys.arns.streams
}

module "kafka" {
  source = "./modules/kafka"

  prefix             = local.prefix
  topics             = { for name, topic in local.catalog.kafka_topics : name => { partitions = topic.partitions } }
  brokers            = var.kafka.brokers
  instance_type      = var.kafka.instance_type
  volume_gib         = var.kafka.volume_gib
  retention_hours    = var.kafka.retention_hours
  subnet_ids         = module.network.data_subnet_ids
  security_group_id  = module.network.security_group_ids.kafka
  key_arn            = module.keys.arns.kafka
  logs_key_arn       = module.keys.arns.logs
  log_retention_days = var.log_retention_days
}
