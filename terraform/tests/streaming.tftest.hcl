# Kinesis and Kafka.

mock_provider "aws" {}

variables {
  prefix             = "quayside-test"
  key_arn            = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
  logs_key_arn       = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
  log_retention_days = 30
}

run "kinesis" {
  command = plan

  module {
    source = "./modules/kinesis"
  }

  variables {
    streams = keys(jsondecode(file("catalog.json")).streams)
  }

  assert {
    condition     = alltrue([for stream in aws_kinesis_stream.this : one(stream.stream_mode_details).stream_mode == "ON_DEMAND" && stream.encryption_type == "KMS"])
    error_message = "Streams must scale by themselves and be encrypted."
  }

  assert {
    condition = alltrue([
      for stream in aws_kinesis_stream.this : stream.retention_period * 3600 >= max(86400, [
        for mapping in flatten([for function in jsondecode(file("catalog.json")).functions : try(function.mappings, [])]) :
        mapping.age_s if mapping.source == "stream"
      ]...)
    ])
    error_message = "A stream must keep records for as long as its mapping retries them."
  }
}

run "kafka" {
  command = plan

  module {
    source = "./modules/kafka"
  }

  variables {
    topics            = jsondecode(file("catalog.json")).kafka_topics
    brokers           = 3
    instance_type     = "kafka.m7g.large"
    volume_gib        = 100
    subnet_ids        = ["subnet-1", "subnet-2", "subnet-3"]
    security_group_id = "sg-kafka"
  }

  assert {
    condition     = one(aws_msk_cluster.this.encryption_info[0].encryption_in_transit).client_broker == "TLS" && one(aws_msk_cluster.this.encryption_info[0].encryption_in_transit).in_cluster
    error_message = "Brokers must refuse plain text, from clients and from each other."
  }

  assert {
    condition     = one(aws_msk_cluster.this.client_authentication[0].sasl).iam && !aws_msk_cluster.this.client_authentication[0].unauthenticated
    error_message = "Clients must log in with IAM; nobody may come without."
  }

  assert {
    condition     = one(aws_msk_cluster.this.broker_node_group_info[0].connectivity_info[0].public_access).type == "DISABLED"
    error_message = "Brokers must not be reachable from outside."
  }

  assert {
    condition     = aws_msk_cluster.this.number_of_broker_nodes >= 3 && strcontains(aws_msk_configuration.this.server_properties, "default.replication.factor = 3\n") && strcontains(aws_msk_configuration.this.server_properties, "min.insync.replicas = 2\n")
    error_message = "An acknowledged record must be on two of three brokers."
  }

  assert {
    condition     = strcontains(aws_msk_configuration.this.server_properties, "unclean.leader.election.enable = false\n")
    error_message = "A broker without acknowledged records must not become leader."
  }

  assert {
    condition     = strcontains(aws_msk_configuration.this.server_properties, "auto.create.topics.enable = false\n")
    error_message = "A misspelt name must not create a topic."
  }

  assert {
    condition = alltrue([
      for name, topic in output.topics : topic.partitions == jsondecode(file("catalog.json")).kafka_topics[name].partitions && topic.replication_factor == 3
    ]) && length(output.topics) == length(jsondecode(file("catalog.json")).kafka_topics)
    error_message = "Every topic of the catalog must have its partitions and three replicas."
  }

  assert {
    condition = alltrue([
      for name, topic in output.topics : topic.settings["cleanup.policy"] == (name == "user-events" ? "compact,delete" : "delete")
    ])
    error_message = "Only the topic with tombstones is compacted: in others the last record of a key does not replace those before it."
  }

  assert {
    condition     = tonumber(output.topics["user-events"].settings["min.compaction.lag.ms"]) >= 86400000 && tonumber(output.topics["user-events"].settings["max.compaction.lag.ms"]) < tonumber(output.topics["user-events"].settings["retention.ms"])
    error_message = "A consumer may be a day behind a compacted topic, and a tombstone must take effect before the retention ends anyway."
  }
}

run "a_topic_that_never_deletes_is_refused" {
  command = plan

  module {
    source = "./modules/kafka"
  }

  variables {
    topics            = { forever = { partitions = 1, settings = { "cleanup.policy" = "compact" } } }
    brokers           = 3
    instance_type     = "kafka.m7g.large"
    volume_gib        = 100
    subnet_ids        = ["subnet-1", "subnet-2", "subnet-3"]
    security_group_id = "sg-kafka"
  }

  expect_failures = [var.topics]
}

run "two_brokers_are_too_few" {
  command = plan

  module {
    source = "./modules/kafka"
  }

  variables {
    topics            = {}
    brokers           = 2
    instance_type     = "kafka.m7g.large"
    volume_gib        = 100
    subnet_ids        = ["subnet-1", "subnet-2"]
    security_group_id = "sg-kafka"
  }

  expect_failures = [var.brokers]
}

run "a_topic_without_retention_is_refused" {
  command = plan

  module {
    source = "./modules/kafka"
  }

  variables {
    topics            = {}
    brokers           = 3
    instance_type     = "kafka.m7g.large"
    volume_gib        = 100
    retention_hours   = 0
    subnet_ids        = ["subnet-1", "subnet-2", "subnet-3"]
    security_group_id = "sg-kafka"
  }

  expect_failures = [var.retention_hours]
}

run "a_stream_without_retention_is_refused" {
  command = plan

  module {
    source = "./modules/kinesis"
  }

  variables {
    streams         = ["one"]
    retention_hours = 0
  }

  expect_failures = [var.retention_hours]
}
