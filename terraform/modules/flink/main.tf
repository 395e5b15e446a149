# The job of shared/flink on Managed Service for Apache Flink: windows into a Kafka topic, and the archive for questions into S3.

locals {
  name     = "${var.prefix}-windows"
  jar_path = "${var.artifact.bucket_arn}/${var.artifact.key}"
  archive  = "s3://${var.archive.bucket}/${var.archive.prefix}"
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:logs older than the retention are in the archive bucket for a year
  name              = "/aws/kinesis-analytics/${local.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.logs_key_arn
}

resource "aws_cloudwatch_log_stream" "this" {
  name           = "application"
  log_group_name = aws_cloudwatch_log_group.this.name
}

resource "aws_security_group" "this" {
  #checkov:skip=CKV2_AWS_5:the application below has it, which checkov does not know as a resource with groups
  name        = local.name
  description = "The Flink application"
  vpc_id      = var.vpc_id

  tags = { Name = local.name }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_egress_rule" "kafka" {
  security_group_id            = aws_security_group.this.id
  referenced_security_group_id = var.kafka.security_group_id
  description                  = "Kafka with TLS and IAM"
  ip_protocol                  = "tcp"
  from_port                    = 9098
  to_port                      = 9098
}

resource "aws_vpc_security_group_ingress_rule" "kafka" {
  security_group_id            = var.kafka.security_group_id
  referenced_security_group_id = aws_security_group.this.id
  description                  = "Kafka with TLS and IAM, from the Flink application"
  ip_protocol                  = "tcp"
  from_port                    = 9098
  to_port                      = 9098
}

# The gateway endpoint of S3 has no security group that a rule could name.
resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id = aws_security_group.this.id
  cidr_ipv4         = "0.0.0.0/0"
  description       = "HTTPS to S3"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_kinesisanalyticsv2_application" "this" {
  name        = local.name
  description = "Windows of analytics, and the archive for questions"
  # The newest version that the provider takes; scripts/flink runs the same.
  runtime_environment    = "FLINK-1_20"
  service_execution_role = aws_iam_role.this.arn
  start_application      = var.is_started
  # A stop makes a snapshot, from which the next start goes on.
  force_stop = false

  application_configuration {
    application_code_configuration {
      code_content_type = "ZIPFILE"

      code_content {
        s3_content_location {
          bucket_arn = var.artifact.bucket_arn
          file_key   = var.artifact.key
        }
      }
    }

    application_snapshot_configuration {
      snapshots_enabled = true
    }

    environment_properties {
      dynamic "property_group" {
        for_each = local.properties

        content {
          property_group_id = property_group.key
          property_map      = property_group.value
        }
      }
    }

    flink_application_configuration {
      # What a checkpoint covers is committed: a figure is at most this late.
      checkpoint_configuration {
        configuration_type            = "CUSTOM"
        checkpointing_enabled         = true
        checkpoint_interval           = var.checkpoint_ms
        min_pause_between_checkpoints = 5000
      }

      monitoring_configuration {
        configuration_type = "CUSTOM"
        log_level          = "WARN"
        metrics_level      = "APPLICATION"
      }

      parallelism_configuration {
        configuration_type   = "CUSTOM"
        auto_scaling_enabled = true
        parallelism          = var.parallelism
        parallelism_per_kpu  = 1
      }
    }

    run_configuration {
      application_restore_configuration {
        application_restore_type = "RESTORE_FROM_LATEST_SNAPSHOT"
      }

      flink_run_configuration {
        allow_non_restored_state = false
      }
    }

    vpc_configuration {
      subnet_ids         = var.subnet_ids
      security_group_ids = [aws_security_group.this.id]
    }
  }

  cloudwatch_logging_options {
    log_stream_arn = aws_cloudwatch_log_stream.this.arn
  }

  # A role without its policy cannot read the jar.
  depends_on = [aws_iam_role_policy.this]
}
