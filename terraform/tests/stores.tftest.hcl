# Tables, buckets, the cache, and secrets.

mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  prefix             = "quayside-test"
  account_id         = "111111111111"
  key_arn            = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
  logs_key_arn       = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
  log_retention_days = 30

  permissions_boundary = "arn:aws:iam::111111111111:policy/quayside-dev-boundary"
}

run "tables" {
  command = plan

  module {
    source = "./modules/tables"
  }

  variables {
    tables              = jsondecode(file("catalog.json")).tables
    deletion_protection = true
  }

  assert {
    condition     = toset(keys(aws_dynamodb_table.this)) == toset(keys(jsondecode(file("catalog.json")).tables))
    error_message = "Every table of the catalog must exist."
  }

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : table.point_in_time_recovery[0].enabled && table.deletion_protection_enabled])
    error_message = "Tables must be recoverable to any second, and deleting one must be refused."
  }

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : table.stream_enabled && table.stream_view_type == "NEW_AND_OLD_IMAGES"])
    error_message = "A table's stream is its outbox: it must show the item before and after the change."
  }

  assert {
    condition = alltrue([
      for name, table in aws_dynamodb_table.this : alltrue([
        for index in table.global_secondary_index :
        index.hash_key == jsondecode(file("catalog.json")).tables[name].index.key && index.projection_type == "KEYS_ONLY"
      ]) && length(table.global_secondary_index) == 1
    ])
    error_message = "The sweep of lost changes needs the index, and a copy of the items would double the cost of each write."
  }

  assert {
    condition     = alltrue([for name, table in aws_dynamodb_table.this : table.ttl[0].enabled && table.ttl[0].attribute_name == jsondecode(file("catalog.json")).tables[name].ttl])
    error_message = "Items that expire must go by the attribute that the functions write."
  }

  assert {
    condition     = alltrue([for table in aws_dynamodb_table.this : table.server_side_encryption[0].enabled && table.server_side_encryption[0].kms_key_arn == var.key_arn])
    error_message = "Tables must be encrypted with the key of their concern."
  }
}

run "buckets_in_prod" {
  command = plan

  module {
    source = "./modules/buckets"
  }

  variables {
    buckets       = jsondecode(file("catalog.json")).buckets
    enforce_locks = true
  }

  assert {
    condition     = toset(keys(output.locked)) == toset([for name, bucket in jsondecode(file("catalog.json")).buckets : name if bucket.locked_years > 0]) && length(output.locked) > 0
    error_message = "The buckets that the catalog locks must be locked: invoices are."
  }

  assert {
    condition = alltrue([
      for name, lock in aws_s3_bucket_object_lock_configuration.this :
      lock.rule[0].default_retention[0].mode == "COMPLIANCE" && aws_s3_bucket.this[name].object_lock_enabled
    ])
    error_message = "Not even the account's root may delete a locked object."
  }

  assert {
    condition = alltrue([
      for policy in concat(values(aws_s3_bucket_policy.this), [aws_s3_bucket_policy.access_logs]) : anytrue([
        for statement in jsondecode(policy.policy).Statement :
        statement.Effect == "Deny" && statement.Action == "s3:*" && try(statement.Condition.Bool["aws:SecureTransport"], "") == "false" && length(statement.Resource) == 2
      ])
    ])
    error_message = "Every bucket must refuse plain HTTP, for itself and its objects."
  }

  assert {
    condition     = alltrue([for versioning in aws_s3_bucket_versioning.this : versioning.versioning_configuration[0].status == "Enabled"])
    error_message = "An overwritten object must be recoverable."
  }

  assert {
    condition = alltrue([
      for name, lifecycle in aws_s3_bucket_lifecycle_configuration.this :
      join(", ", [for transition in lifecycle.rule[0].transition : transition.storage_class]) == (var.buckets[name].retained_days > 90 ? "STANDARD_IA, GLACIER_IR" : "")
      if var.buckets[name].retained_days > 0
    ])
    error_message = "Objects that are kept for long must move to cheaper tiers, and no others."
  }

  assert {
    condition = alltrue([
      for name, lifecycle in aws_s3_bucket_lifecycle_configuration.this : lifecycle.rule[0].expiration[0].days == var.buckets[name].retained_days
      if var.buckets[name].retained_days > 0
    ])
    error_message = "What grows must have an end."
  }

  assert {
    condition     = [for name, bucket in var.buckets : name if bucket.retained_days == 0] == ["product-images"]
    error_message = "Only what is served until somebody deletes it may have no end."
  }

  assert {
    condition     = alltrue([for rule in aws_s3_bucket_lifecycle_configuration.this["product-images"].rule : length(rule.expiration) == 0])
    error_message = "An image that a shop shows must not expire."
  }

  assert {
    condition     = alltrue([for encryption in aws_s3_bucket_server_side_encryption_configuration.this : one(encryption.rule).bucket_key_enabled])
    error_message = "Every object would be a request to KMS without bucket keys."
  }
}

run "buckets_in_dev_are_not_locked" {
  command = plan

  module {
    source = "./modules/buckets"
  }

  variables {
    buckets       = jsondecode(file("catalog.json")).buckets
    enforce_locks = false
  }

  assert {
    condition     = length(aws_s3_bucket_object_lock_configuration.this) == 0 && alltrue([for bucket in aws_s3_bucket.this : !bucket.object_lock_enabled])
    error_message = "Test data must be deletable."
  }
}

run "a_bucket_cannot_expire_before_its_lock" {
  command = plan

  module {
    source = "./modules/buckets"
  }

  variables {
    buckets       = { invoices = { locked_years = 10, retained_days = 365 } }
    enforce_locks = true
  }

  expect_failures = [var.buckets]
}

run "cache" {
  command = plan

  module {
    source = "./modules/cache"
  }

  variables {
    node_type         = "cache.t4g.small"
    nodes             = 2
    subnet_ids        = ["subnet-1", "subnet-2"]
    security_group_id = "sg-cache"
  }

  assert {
    condition     = aws_elasticache_replication_group.this.transit_encryption_enabled && aws_elasticache_replication_group.this.transit_encryption_mode == "required" && startswith(output.user_name, "quayside-test")
    error_message = "The cache must refuse connections without TLS."
  }

  assert {
    condition     = aws_elasticache_user.this.authentication_mode[0].type == "iam" && aws_elasticache_user.this.user_id == aws_elasticache_user.this.user_name
    error_message = "Clients must log in with IAM, which requires that id and name of the user are equal."
  }

  assert {
    condition     = strcontains(aws_elasticache_user.this.access_string, "-@all") && !strcontains(aws_elasticache_user.this.access_string, "+@all") && !strcontains(aws_elasticache_user.this.access_string, "flush")
    error_message = "The user must be able to send the adapter's commands only."
  }

  assert {
    condition     = aws_elasticache_replication_group.this.automatic_failover_enabled && aws_elasticache_replication_group.this.multi_az_enabled
    error_message = "A second node must take over by itself."
  }

  assert {
    condition     = one(aws_elasticache_parameter_group.this.parameter).value == "allkeys-lru"
    error_message = "A full cache must forget, not refuse."
  }
}

run "secrets" {
  command = plan

  module {
    source = "./modules/secrets"
  }

  variables {
    secrets = jsondecode(file("catalog.json")).secrets
    replica = { region = "eu-central-1", key_arn = "arn:aws:kms:eu-central-1:111111111111:key/00000000-0000-0000-0000-000000000000" }
  }

  assert {
    condition     = alltrue([for name, secret in aws_secretsmanager_secret.this : secret.name == "quayside/test/${name}"])
    error_message = "Secrets must have the names that template.yaml gives them."
  }

  assert {
    condition     = alltrue([for secret in aws_secretsmanager_secret.this : secret.recovery_window_in_days >= 7 && secret.kms_key_id == var.key_arn])
    error_message = "A deleted secret must be recoverable, and encrypted with the key of its concern."
  }

  assert {
    condition     = alltrue([for secret in aws_secretsmanager_secret.this : length(secret.replica) == 1])
    error_message = "The standby region must have the secrets."
  }
}

run "rotation" {
  command = plan

  module {
    source = "./modules/rotation"
  }

  variables {
    days                  = 30
    dead_letter_queue_arn = "arn:aws:sqs:eu-west-1:111111111111:undelivered"
    functions = {
      rotate = { arn = "arn:aws:lambda:eu-west-1:111111111111:function:rotate", alias = "live" }
      keys   = { arn = "arn:aws:lambda:eu-west-1:111111111111:function:keys", alias = "live" }
    }
    managed = {
      "database/one" = {
        secret_arn = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:quayside/test/database/one-AbCdEf"
        function   = "rotate"
      }
      "database/two" = {
        secret_arn = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:quayside/test/database/two-AbCdEf"
        function   = "rotate"
      }
    }
    scheduled = { keys = { function = "keys" } }
  }

  assert {
    condition     = alltrue([for rotation in aws_secretsmanager_secret_rotation.this : one(rotation.rotation_rules).automatically_after_days == 30]) && length(aws_secretsmanager_secret_rotation.this) == 2
    error_message = "Every database secret must be rotated."
  }

  assert {
    condition     = length(aws_lambda_permission.this) == 1 && aws_lambda_permission.this["rotate"].source_account == "111111111111" && aws_lambda_permission.this["rotate"].qualifier == "live"
    error_message = "Secrets Manager may invoke the function once permitted, for this account only."
  }

  assert {
    condition     = alltrue([for schedule in aws_scheduler_schedule.this : one(one(schedule.target).dead_letter_config).arn == var.dead_letter_queue_arn && one(one(schedule.target).retry_policy).maximum_retry_attempts <= 10])
    error_message = "A rotation that could not be started must be retried a few times and then be seen."
  }

  assert {
    condition     = alltrue([for policy in aws_iam_role_policy.this : alltrue([for statement in jsondecode(policy.policy).Statement : statement.Resource != "*"])])
    error_message = "The scheduler may invoke the rotating function and no other."
  }
}

run "rotation_needs_its_function" {
  command = plan

  module {
    source = "./modules/rotation"
  }

  variables {
    days                  = 30
    functions             = {}
    managed               = {}
    scheduled             = { keys = { function = "keys" } }
    dead_letter_queue_arn = "arn:aws:sqs:eu-west-1:111111111111:undelivered"
  }

  expect_failures = [var.scheduled]
}

run "rotation_is_at_least_quarterly" {
  command = plan

  module {
    source = "./modules/rotation"
  }

  variables {
    days                  = 365
    functions             = {}
    managed               = {}
    scheduled             = {}
    dead_letter_queue_arn = "arn:aws:sqs:eu-west-1:111111111111:undelivered"
  }

  expect_failures = [var.days]
}
