# Aurora and RDS Proxy.

mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_resource "aws_secretsmanager_secret" {
    override_during = plan
    defaults        = { arn = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:quayside/test/database/one-AbCdEf" }
  }

  mock_resource "aws_rds_cluster" {
    override_during = plan
    defaults = {
      master_user_secret = [{
        kms_key_id    = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
        secret_arn    = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:rds!cluster-1-AbCdEf"
        secret_status = "active"
      }]
    }
  }
}

variables {
  prefix                = "quayside-test"
  account_id            = "111111111111"
  region                = "eu-west-1"
  database_name         = "quayside"
  owner                 = "owner"
  users                 = ["one", "two"]
  secrets_path          = "database"
  is_global             = false
  capacity              = { min = 2, max = 32 }
  instances             = 2
  max_connections       = 2000
  backup_retention_days = 14
  deletion_protection   = true
  subnet_ids            = ["subnet-1", "subnet-2"]
  security_group_ids    = { database = "sg-database", proxy = "sg-proxy" }
  key_arn               = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
  secrets_key_arn       = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
  logs_key_arn          = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"
  log_retention_days    = 30

  permissions_boundary = "arn:aws:iam::111111111111:policy/quayside-dev-boundary"
}

run "database" {
  command = plan

  module {
    source = "./modules/database"
  }

  assert {
    condition     = aws_rds_cluster.this.deletion_protection && !aws_rds_cluster.this.skip_final_snapshot && aws_rds_cluster.this.delete_automated_backups == false
    error_message = "Deleting the cluster must be refused, and must leave a snapshot and the backups."
  }

  assert {
    condition     = aws_rds_cluster.this.backup_retention_period == 14
    error_message = "Backups must be kept as long as the variable says."
  }

  assert {
    condition     = aws_rds_cluster.this.iam_database_authentication_enabled && aws_rds_cluster.this.manage_master_user_password
    error_message = "The owner's password must be Aurora's to keep, and IAM must be able to log in."
  }

  assert {
    condition     = module.parameters.values["rds.force_ssl"] == "1"
    error_message = "The database must refuse connections without TLS."
  }

  assert {
    condition     = module.parameters.values["log_parameter_max_length"] == "0"
    error_message = "The parameters of statements identify persons and must not be logged."
  }

  assert {
    condition     = alltrue([for instance in aws_rds_cluster_instance.this : instance.instance_class == "db.serverless" && !instance.publicly_accessible])
    error_message = "Instances must be serverless and unreachable from outside."
  }

  assert {
    condition     = length([for instance in aws_rds_cluster_instance.this : instance if instance.promotion_tier == 0]) == 1 && length(aws_rds_cluster_instance.this) == 2
    error_message = "There must be a writer and readers that can take over."
  }

  assert {
    condition     = output.users == toset(["one", "two", "owner"])
    error_message = "The proxy must know the role of every context and the owner."
  }

  assert {
    condition     = output.proxy_connections == 1800
    error_message = "A tenth of the connections must stay with the operators."
  }

  assert {
    condition     = alltrue([for secret in aws_secretsmanager_secret.this : startswith(secret.name, "quayside/test/database/") && secret.recovery_window_in_days == 30])
    error_message = "The secrets of roles must be in the path that only the rotating function may read, and recoverable."
  }

  assert {
    condition     = toset(keys(output.secret_arns)) == toset(["one", "two"])
    error_message = "Each context must have a secret of its own; Aurora keeps that of the owner."
  }
}

run "proxy" {
  command = plan

  module {
    source = "./modules/proxy"
  }

  variables {
    cluster_identifier = "quayside-test-database"
    security_group_id  = "sg-proxy"
    secret_arns = {
      one = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:quayside/test/database/one-AbCdEf"
      two = "arn:aws:secretsmanager:eu-west-1:111111111111:secret:quayside/test/database/two-AbCdEf"
    }
  }

  assert {
    condition     = aws_db_proxy.this.require_tls && !aws_db_proxy.this.debug_logging
    error_message = "The proxy must require TLS, and must not log statements with their parameters."
  }

  assert {
    condition     = length(aws_db_proxy.this.auth) == 2 && alltrue([for auth in aws_db_proxy.this.auth : auth.iam_auth == "REQUIRED" && auth.auth_scheme == "SECRETS"])
    error_message = "Every role must log in at the proxy with an IAM token."
  }

  assert {
    condition     = toset(jsondecode(aws_iam_role_policy.this.policy).Statement[0].Resource) == toset(values(var.secret_arns))
    error_message = "The proxy must read the secrets of its roles and no others."
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_iam_role_policy.this.policy).Statement : alltrue([for action in statement.Action : !strcontains(action, "*") && !strcontains(action, "Put")])])
    error_message = "The proxy must not change secrets."
  }

  assert {
    condition     = aws_db_proxy_default_target_group.this.connection_pool_config[0].connection_borrow_timeout < 5
    error_message = "Waiting for a connection must end before the function's time does."
  }
}

run "in_a_global_database_the_owner_has_a_secret_of_ours" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    final_snapshot_suffix = "final-2"
    is_global             = true
    owner_password        = "0123456789012345678901234"
    replica               = { region = "eu-central-1", key_arn = "arn:aws:kms:eu-central-1:111111111111:key/00000000-0000-0000-0000-000000000000" }
  }

  assert {
    condition     = aws_rds_cluster.this.final_snapshot_identifier == "quayside-test-database-final-2"
    error_message = "An environment that is removed again collides with its first snapshot."
  }

  assert {
    condition     = aws_rds_cluster.this.manage_master_user_password == null && contains(keys(output.secret_arns), "owner")
    error_message = "Aurora does not manage the password of a cluster in a global database."
  }

  assert {
    condition     = alltrue([for secret in aws_secretsmanager_secret.this : one(secret.replica).region == "eu-central-1"])
    error_message = "The proxy of the standby region must find the secrets there."
  }
}

run "backups_cannot_be_turned_off" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    backup_retention_days = 0
  }

  expect_failures = [var.backup_retention_days]
}

run "connections_need_memory" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    capacity = { min = 1, max = 8 }
  }

  expect_failures = [var.max_connections]
}

run "the_owner_is_no_context" {
  command = plan

  module {
    source = "./modules/database"
  }

  variables {
    users = ["one", "owner"]
  }

  expect_failures = [var.users]
}
