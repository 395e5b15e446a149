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

variable "flink" {
  description = "Windows and archive on Managed Service for Apache Flink: tasks of each operator at the start, and the topic of the results. Null: the functions of analytics alone. docs/streams.md says when it pays."
  type = object({
    parallelism   = optional(number, 1)
    results_topic = optional(string, "analytics-figures")
  })
  default = null
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
  topics             = { for name, topic in local.catalog.kafka_topics : name => { partitions = topic.partitions, settings = topic.settings } }
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

# Beside the functions, never in their place by itself: a reader chooses which results it takes.
module "flink" {
  source = "./modules/flink"
  count  = var.flink == null ? 0 : 1

  prefix     = local.prefix
  account_id = var.account_id
  region     = var.region

  artifact = {
    bucket_arn = module.artifacts.arn
    key        = "${var.release}/windows.jar"
    key_arn    = module.keys.arns.artifacts
  }

  archive = {
    bucket     = module.buckets.names["event-archive"]
    bucket_arn = module.buckets.arns["event-archive"]
    key_arn    = module.keys.arns.buckets
  }

  kafka = {
    cluster_arn            = module.kafka.cluster_arn
    bootstrap_brokers      = module.kafka.bootstrap_brokers
    security_group_id      = module.network.security_group_ids.kafka
    topic_arn_prefix       = module.kafka.topic_arn_prefix
    group_arn_prefix       = module.kafka.group_arn_prefix
    transaction_arn_prefix = module.kafka.transaction_arn_prefix
  }

  # The topics of the events that the job reads, by one of each.
  topics = {
    orders   = local.catalog.events["OrderConfirmed.v1"].kafka_topic
    payments = local.catalog.events["PaymentSucceeded.v1"].kafka_topic
    stock    = local.catalog.events["StockReserved.v1"].kafka_topic
    results  = var.flink.results_topic
  }

  parallelism          = var.flink.parallelism
  vpc_id               = module.network.vpc_id
  subnet_ids           = module.network.private_subnet_ids
  logs_key_arn         = module.keys.arns.logs
  log_retention_days   = var.log_retention_days
  permissions_boundary = module.boundary.arn
}
