# The Flink application, its role, and the tables of its archive.

mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-west-1:111111111111:log-group:mock" }
  }

  mock_resource "aws_cloudwatch_log_stream" {
    defaults = { arn = "arn:aws:logs:eu-west-1:111111111111:log-group:mock:log-stream:application" }
  }

  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111111111111:role/mock" }
  }
}

variables {
  prefix             = "quayside-test"
  account_id         = "111111111111"
  region             = "eu-west-1"
  artifact           = { bucket_arn = "arn:aws:s3:::artifacts", key = "abc/windows.jar", key_arn = "arn:aws:kms:eu-west-1:111111111111:key/artifacts" }
  archive            = { bucket = "archive", bucket_arn = "arn:aws:s3:::archive", key_arn = "arn:aws:kms:eu-west-1:111111111111:key/buckets" }
  vpc_id             = "vpc-1"
  subnet_ids         = ["subnet-1", "subnet-2", "subnet-3"]
  logs_key_arn       = "arn:aws:kms:eu-west-1:111111111111:key/logs"
  log_retention_days = 30
  topics             = { orders = "order-events", payments = "payment-events", stock = "inventory-events", results = "analytics-figures" }

  kafka = {
    cluster_arn            = "arn:aws:kafka:eu-west-1:111111111111:cluster/quayside-test-kafka/1"
    bootstrap_brokers      = "b-1.example.com:9098"
    security_group_id      = "sg-kafka"
    topic_arn_prefix       = "arn:aws:kafka:eu-west-1:111111111111:topic/quayside-test-kafka/1/"
    group_arn_prefix       = "arn:aws:kafka:eu-west-1:111111111111:group/quayside-test-kafka/1/"
    transaction_arn_prefix = "arn:aws:kafka:eu-west-1:111111111111:transactional-id/quayside-test-kafka/1/"
  }

  permissions_boundary = "arn:aws:iam::111111111111:policy/quayside-dev-boundary"
}

run "flink" {
  # The role's policy names the log group.
  command = apply

  module {
    source = "./modules/flink"
  }

  assert {
    condition     = aws_kinesisanalyticsv2_application.this.runtime_environment == "FLINK-1_20"
    error_message = "The job is built and tested with Flink 1.20."
  }

  assert {
    condition = alltrue([
      for checkpoint in aws_kinesisanalyticsv2_application.this.application_configuration[0].flink_application_configuration[0].checkpoint_configuration :
      checkpoint.checkpointing_enabled && checkpoint.checkpoint_interval == 60000
    ])
    error_message = "Exactly once needs checkpoints: one a minute."
  }

  assert {
    condition = (
      one(aws_kinesisanalyticsv2_application.this.application_configuration[0].application_snapshot_configuration).snapshots_enabled &&
      one(one(aws_kinesisanalyticsv2_application.this.application_configuration[0].run_configuration).application_restore_configuration).application_restore_type == "RESTORE_FROM_LATEST_SNAPSHOT"
    )
    error_message = "A restart without its state would count a week of events again."
  }

  assert {
    condition     = one(aws_kinesisanalyticsv2_application.this.application_configuration[0].flink_application_configuration[0].parallelism_configuration).auto_scaling_enabled
    error_message = "The application must follow the load."
  }

  assert {
    condition     = local.properties.kafka["sasl.mechanism"] == "AWS_MSK_IAM" && local.properties.kafka["isolation.level"] == "read_committed"
    error_message = "The job logs in with IAM, and reads nothing that was not committed."
  }

  assert {
    condition     = local.properties.job.state_ttl == "${local.properties.job.kept_days + 1} d"
    error_message = "The state must outlive the oldest record that is counted."
  }

  assert {
    condition = alltrue([
      for statement in local.statements : alltrue([for resource in statement.Resource : resource != "*"])
    ]) && alltrue([for action in local.network.Action : startswith(action, "ec2:")])
    error_message = "Only network interfaces have no resource; everything else must name its own."
  }

  assert {
    condition = toset(flatten([
      for statement in local.statements : statement.Resource if contains(statement.Action, "kafka-cluster:WriteData")
    ])) == toset(["arn:aws:kafka:eu-west-1:111111111111:topic/quayside-test-kafka/1/analytics-figures"])
    error_message = "The application may write its results, and no events."
  }

  assert {
    condition     = one(jsondecode(aws_iam_role.this.assume_role_policy).Statement).Condition.StringEquals["aws:SourceAccount"] == var.account_id
    error_message = "Only the service on behalf of this account may take the role."
  }

  assert {
    condition     = toset(keys(aws_glue_catalog_table.this)) == toset(["orders", "order_lines", "payments", "stock", "windows"])
    error_message = "Each part of the archive must be a table."
  }

  assert {
    condition = alltrue([
      for name, table in aws_glue_catalog_table.this :
      table.parameters["projection.enabled"] == "true" && table.parameters["storage.location.template"] == "s3://archive/parquet/${name}/dt=$${dt}/" && one(table.partition_keys).name == "dt"
    ])
    error_message = "Partitions must be found by their date, without registering them."
  }
}

run "results_among_events_are_refused" {
  command = plan

  module {
    source = "./modules/flink"
  }

  variables {
    topics = { orders = "order-events", payments = "payment-events", stock = "inventory-events", results = "order-events" }
  }

  expect_failures = [var.topics]
}

run "state_that_ends_before_the_topics_is_refused" {
  command = plan

  module {
    source = "./modules/flink"
  }

  variables {
    kept_days = 3
  }

  expect_failures = [var.kept_days]
}

run "checkpoints_longer_than_transactions_are_refused" {
  command = plan

  module {
    source = "./modules/flink"
  }

  variables {
    checkpoint_ms = 900000
  }

  expect_failures = [var.checkpoint_ms]
}
