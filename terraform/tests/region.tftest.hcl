# The pilot light: copies of all data, nothing that runs.

mock_provider "aws" {}

mock_provider "aws" {
  alias = "standby"
}

variables {
  prefix     = "quayside-test"
  account_id = "111111111111"
  database = {
    cluster_arn           = "arn:aws:rds:eu-west-1:111111111111:cluster:quayside-test-database"
    engine_version        = "16.8"
    backup_retention_days = 14
    instances             = 0
    max_connections       = 4000
    capacity              = { min = 2, max = 32 }
  }
  tables = { products = "arn:aws:dynamodb:eu-west-1:111111111111:table/quayside-test-products" }
  buckets = {
    invoices = {
      source_name = "quayside-test-invoices"
      source_arn  = "arn:aws:s3:::quayside-test-invoices"
      copy_arn    = "arn:aws:s3:::quayside-test-invoices-standby"
    }
  }
  key_arns = {
    buckets  = "arn:aws:kms:eu-central-1:111111111111:key/00000000-0000-0000-0000-000000000000"
    database = "arn:aws:kms:eu-central-1:111111111111:key/00000000-0000-0000-0000-000000000000"
    logs     = "arn:aws:kms:eu-central-1:111111111111:key/00000000-0000-0000-0000-000000000000"
    tables   = "arn:aws:kms:eu-central-1:111111111111:key/00000000-0000-0000-0000-000000000000"
  }
  subnet_ids          = ["subnet-1", "subnet-2"]
  security_group_id   = "sg-database"
  deletion_protection = true
  log_retention_days  = 30
  health_check_host   = "eu-west-1.api.quayside.example"

  permissions_boundary = "arn:aws:iam::111111111111:policy/quayside-dev-boundary"
}

run "pilot_light" {
  command = plan

  module {
    source = "./modules/region"
  }

  providers = {
    aws         = aws
    aws.standby = aws.standby
  }

  assert {
    condition     = length(aws_rds_cluster_instance.this) == 0
    error_message = "Before a failover the copy of the database must have no instances, which would be paid for."
  }

  assert {
    condition     = aws_rds_global_cluster.this.source_db_cluster_identifier == var.database.cluster_arn && aws_rds_global_cluster.this.deletion_protection && aws_rds_cluster.this.deletion_protection
    error_message = "The global database must grow from the primary cluster, and none of its parts may be deleted."
  }

  # Those of the primary cluster are not copied.
  assert {
    condition = aws_rds_cluster.this.db_cluster_parameter_group_name == "quayside-test-database" && alltrue([
      for name, value in { "rds.force_ssl" = "1", log_statement = "ddl", log_parameter_max_length = "0", max_connections = "4000" } : module.parameters.values[name] == value
    ])
    error_message = "The copy would accept connections without TLS, fewer of them, or log the parameters of statements."
  }

  assert {
    condition     = aws_rds_cluster.this.storage_encrypted && strcontains(aws_rds_cluster.this.kms_key_id, ":eu-central-1:")
    error_message = "The copy must be encrypted with a key of its own region."
  }

  assert {
    condition     = alltrue([for replica in aws_dynamodb_table_replica.this : replica.point_in_time_recovery && replica.deletion_protection_enabled])
    error_message = "Replicas of tables must be as well protected as the tables."
  }

  assert {
    condition = alltrue([
      for replication in aws_s3_bucket_replication_configuration.this :
      replication.rule[0].status == "Enabled" && replication.rule[0].delete_marker_replication[0].status == "Disabled"
    ])
    error_message = "Objects must be copied, and deletions must not."
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_iam_role_policy.replication.policy).Statement : alltrue([for resource in statement.Resource : resource != "*"]) && !strcontains(jsonencode(statement.Action), "*") && !strcontains(jsonencode(statement.Action), "Delete")])
    error_message = "Replication must reach these buckets only, and delete nothing."
  }

  assert {
    condition     = aws_route53_health_check.this[0].type == "HTTPS" && aws_route53_health_check.this[0].resource_path == "/ready" && aws_route53_health_check.this[0].failure_threshold >= 3
    error_message = "DNS must ask for readiness, with its dependencies, and not move clients for one lost answer."
  }
}

run "a_failover_starts_instances" {
  command = plan

  module {
    source = "./modules/region"
  }

  providers = {
    aws         = aws
    aws.standby = aws.standby
  }

  variables {
    database = {
      cluster_arn           = "arn:aws:rds:eu-west-1:111111111111:cluster:quayside-test-database"
      engine_version        = "16.8"
      backup_retention_days = 14
      instances             = 2
      max_connections       = 4000
      capacity              = { min = 2, max = 32 }
    }
    health_check_host     = null
    final_snapshot_suffix = "final-2"
  }

  assert {
    condition     = aws_rds_cluster.this.final_snapshot_identifier == "quayside-test-database-standby-final-2"
    error_message = "A standby that is removed again collides with its first snapshot."
  }

  assert {
    condition     = length(aws_rds_cluster_instance.this) == 2 && length(aws_route53_health_check.this) == 0
    error_message = "The copy must be able to run."
  }
}

run "the_health_check_takes_a_host_and_no_url" {
  command = plan

  module {
    source = "./modules/region"
  }

  providers = {
    aws         = aws
    aws.standby = aws.standby
  }

  variables {
    health_check_host = "https://api.quayside.example/ready"
  }

  expect_failures = [var.health_check_host]
}
