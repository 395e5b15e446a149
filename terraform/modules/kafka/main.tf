# MSK with TLS and IAM. A record is acknowledged once two of three brokers in different zones have it, and no broker that lacks
# acknowledged records may become leader.

locals {
  name = "${var.prefix}-kafka"

  replicas     = 3
  min_in_sync  = 2
  server_lines = { for name, value in local.server : name => "${name} = ${value}" }

  server = {
    # A topic is created from the catalog with its own number of partitions, never by a misspelt name.
    "auto.create.topics.enable"      = "false"
    "default.replication.factor"     = local.replicas
    "min.insync.replicas"            = local.min_in_sync
    "unclean.leader.election.enable" = "false"
    "num.partitions"                 = 1
    "log.retention.hours"            = var.retention_hours
    "message.max.bytes"              = 1048576
    # Consumer groups of functions that were idle over a week-end continue where they stopped.
    "offsets.retention.minutes" = 10080
  }

  # What topics-create makes of the catalog: it sets the partitions and the topic's own settings, and the rest comes from the configuration above.
  topics = {
    for name, topic in var.topics : name => {
      partitions         = topic.partitions
      replication_factor = local.replicas
      settings = merge(topic.settings, {
        "min.insync.replicas" = tostring(local.min_in_sync)
        "retention.ms"        = tostring(var.retention_hours * 3600000)
      })
    }
  }
}

resource "aws_msk_configuration" "this" {
  name              = local.name
  description       = "Quayside: three replicas, two in sync, no topics by accident"
  kafka_versions    = [var.kafka_version]
  server_properties = join("\n", concat([for name in sort(keys(local.server_lines)) : local.server_lines[name]], [""]))

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:the archive bucket of the primary region has them for a year; those of a standby are of the time of a failover
  name              = "/aws/msk/${local.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.logs_key_arn
}

resource "aws_msk_cluster" "this" {
  cluster_name           = local.name
  kafka_version          = var.kafka_version
  number_of_broker_nodes = var.brokers
  # Consumer lag by group, topic and partition.
  enhanced_monitoring = "PER_TOPIC_PER_PARTITION"

  broker_node_group_info {
    instance_type   = var.instance_type
    client_subnets  = var.subnet_ids
    security_groups = [var.security_group_id]

    connectivity_info {
      public_access {
        type = "DISABLED"
      }
    }

    storage_info {
      ebs_storage_info {
        volume_size = var.volume_gib
      }
    }
  }

  client_authentication {
    unauthenticated = false

    sasl {
      iam   = true
      scram = false
    }
  }

  encryption_info {
    encryption_at_rest_kms_key_arn = var.key_arn

    encryption_in_transit {
      client_broker = "TLS"
      in_cluster    = true
    }
  }

  configuration_info {
    arn      = aws_msk_configuration.this.arn
    revision = aws_msk_configuration.this.latest_revision
  }

  logging_info {
    broker_logs {
      cloudwatch_logs {
        enabled   = true
        log_group = aws_cloudwatch_log_group.this.name
      }
    }
  }

  lifecycle {
    # A larger volume stays when storage was extended by hand.
    ignore_changes = [broker_node_group_info[0].storage_info[0].ebs_storage_info[0].volume_size]
  }
}
