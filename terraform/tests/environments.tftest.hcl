# The environment prod as a whole, and variables that are refused. Run with -var-file=envs/prod/terraform.tfvars.

mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

mock_provider "aws" {
  alias = "global"
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

mock_provider "aws" {
  alias = "standby"
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

run "prod" {
  command = plan

  assert {
    condition     = var.environment == "prod" && length(distinct(var.availability_zones)) >= 3
    error_message = "The variables must be those of prod, with three zones."
  }

  assert {
    condition = length(setsubtract([
      "/aws/vpc/quayside-prod", "/aws/rds/cluster/quayside-prod-database/postgresql", "/aws/rds/proxy/quayside-prod-database",
      "/aws/elasticache/quayside-prod-cache", "/aws/msk/quayside-prod-kafka", "/aws/apigateway/quayside-prod-api",
      "/aws/lambda/quayside-prod-order-place",
    ], module.log_archive.log_groups)) == 0
    error_message = "Logs that leave CloudWatch before a year are nowhere else."
  }

  assert {
    condition     = length(module.flink) == 0
    error_message = "Flink costs money by the hour: it runs where flink is set."
  }

  assert {
    condition     = length(setsubtract(["staff", "admin"], var.mfa_required_roles)) == 0
    error_message = "Staff and admins of prod must need a second factor."
  }

  assert {
    condition     = var.backup_retention_days >= 14
    error_message = "prod must keep backups for two weeks."
  }

  assert {
    condition     = toset(module.database.users) == setunion(local.database_users, [local.catalog.database.owner])
    error_message = "Every role with which a function logs in must be known to the proxy."
  }

  assert {
    condition = alltrue([
      for user in local.database_users : contains(local.catalog.database.roles, user) || user == local.catalog.database.owner
    ])
    error_message = "A role must be one of the catalog or the owner."
  }

  assert {
    condition = sum([
      for function in local.catalog.functions : function.concurrency if can(function.environment.DATABASE_USER.name)
    ]) <= module.database.proxy_connections
    error_message = "All functions that use the database, each at its greatest concurrency, must find a connection: raise database.max_connections."
  }

  assert {
    condition     = toset(module.rotation.managed) == toset([for user in local.database_secret_users : "${local.catalog.database.secrets}/${user}"])
    error_message = "The password of every role must be rotated."
  }

  assert {
    condition     = toset(module.rotation.scheduled) == toset([for name, secret in local.catalog.secrets : name if secret.rotated_by != null])
    error_message = "Every secret that a function can replace must be replaced on a schedule."
  }

  assert {
    condition     = length(module.buckets.locked) > 0
    error_message = "Invoices must be locked in prod."
  }

  assert {
    condition     = length(module.region) == 0 && length(module.standby_network) == 0
    error_message = "The standby must be off unless it is asked for."
  }
}

run "the_standby_copies_and_does_not_run" {
  command = plan

  variables {
    database_owner_password = "0123456789012345678901234"
    standby = {
      region             = "eu-central-1"
      availability_zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
      cidr               = "10.40.0.0/16"
    }
  }

  assert {
    condition     = length(module.region) == 1 && length(module.standby_buckets) == 1 && length(module.standby_kafka) == 0 && length(module.standby_proxy) == 0
    error_message = "A standby that is not active must hold data and run nothing."
  }

  assert {
    condition     = toset(keys(module.region[0].table_replica_arns)) == toset(keys(local.catalog.tables))
    error_message = "Every table must have a replica."
  }
}

run "the_active_standby_has_what_functions_need" {
  command = plan

  variables {
    database_owner_password = "0123456789012345678901234"
    standby = {
      region             = "eu-central-1"
      availability_zones = ["eu-central-1a", "eu-central-1b"]
      cidr               = "10.40.0.0/16"
      active             = true
    }
  }

  assert {
    condition     = length(module.standby_proxy) == 1 && length(module.standby_cache) == 1 && length(module.standby_kafka) == 1 && length(module.standby_kinesis) == 1
    error_message = "Functions of an active standby need the proxy, the cache, the stream and Kafka."
  }
}

# Each run evaluates the whole configuration, so that one run has many wrong settings, and the next ones what else can be wrong with them.
run "wrong_settings_are_refused" {
  command = plan

  variables {
    # One zone in prod.
    availability_zones = ["eu-west-1a"]
    # A network that is too small.
    network = {
      cidr                = "10.30.0.0/24"
      nat_gateways        = "per_zone"
      interface_endpoints = ["lambda", "sqs", "sts"]
    }
    # Percent in place of a share.
    trace_sampling = 5
    # Logs for ever.
    log_retention_days = 0
    # Short backups in prod.
    backup_retention_days = 7
    # Nobody to alarm.
    alarm_emails = []
    # A database without a reader in prod.
    database = {
      capacity        = { min = 2, max = 32 }
      instances       = 1
      max_connections = 2000
    }
    # A standby in the same region.
    database_owner_password = "0123456789012345678901234"
    standby = {
      region             = "eu-west-1"
      availability_zones = ["eu-west-1a", "eu-west-1b"]
      cidr               = "10.40.0.0/16"
    }
  }

  expect_failures = [
    var.alarm_emails,
    var.availability_zones,
    var.backup_retention_days,
    var.database,
    var.log_retention_days,
    var.network,
    var.standby,
    var.trace_sampling,
  ]
}

run "other_wrong_settings_are_refused" {
  command = plan

  variables {
    # Zones of another region.
    availability_zones = ["us-east-1a", "us-east-1b", "us-east-1c"]
    # One NAT gateway in prod.
    network = {
      cidr                = "10.30.0.0/16"
      nat_gateways        = "single"
      interface_endpoints = ["lambda", "sqs", "sts"]
    }
    # A standby without the password of the owner.
    standby = {
      region             = "eu-central-1"
      availability_zones = ["eu-central-1a", "eu-central-1b"]
      cidr               = "10.40.0.0/16"
    }
  }

  expect_failures = [var.availability_zones, var.database_owner_password, var.network]
}

# The number of brokers is checked against zones that are valid.
run "settings_of_kafka_are_refused" {
  command = plan

  variables {
    # Mappings without the endpoints that they call.
    network = {
      cidr                = "10.30.0.0/16"
      nat_gateways        = "per_zone"
      interface_endpoints = []
    }
    # Throttled brokers in prod.
    kafka = {
      brokers         = 3
      instance_type   = "kafka.t3.small"
      volume_gib      = 100
      retention_hours = 168
    }
  }

  expect_failures = [var.kafka, var.network]
}
