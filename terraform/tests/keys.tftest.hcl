# Keys: one a concern, rotated, usable through the service whose data they encrypt and by no other account.

mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  prefix     = "quayside-test"
  account_id = "111111111111"
  region     = "eu-west-1"
}

run "keys" {
  command = plan

  module {
    source = "./modules/keys"
  }

  assert {
    condition     = alltrue([for key in aws_kms_key.this : key.enable_key_rotation && key.deletion_window_in_days == 30])
    error_message = "Every key must rotate, and leave thirty days to take back its deletion."
  }

  assert {
    condition = alltrue([
      for key in aws_kms_key.this : alltrue([
        for statement in jsondecode(key.policy).Statement :
        try(statement.Condition.StringEquals["kms:CallerAccount"] == var.account_id && length(statement.Condition.StringEquals["kms:ViaService"]) > 0, false)
        if try(statement.Principal.AWS, "") == "*"
      ])
    ])
    error_message = "A statement for every principal must be limited to the account and to the service whose data the key encrypts."
  }

  assert {
    condition = alltrue([
      for key in aws_kms_key.this : alltrue([
        for statement in jsondecode(key.policy).Statement :
        can(statement.Condition.StringEquals["aws:SourceAccount"]) || can(statement.Condition.ArnLike["kms:EncryptionContext:aws:logs:arn"])
        if can(statement.Principal.Service)
      ])
    ])
    error_message = "A service may use a key on behalf of this account only."
  }

  assert {
    condition = toset(["events.amazonaws.com", "sns.amazonaws.com"]) == toset([
      for statement in jsondecode(aws_kms_key.this["queues"].policy).Statement : statement.Principal.Service
      if can(statement.Principal.Service)
    ])
    error_message = "The bus and the topics put messages into encrypted queues, and nobody else as a service."
  }

  assert {
    condition     = !strcontains(aws_kms_key.this["tables"].policy, "s3.eu-west-1") && strcontains(aws_kms_key.this["tables"].policy, "dynamodb.eu-west-1.amazonaws.com")
    error_message = "A key must be usable through the service of its own concern only."
  }
}

run "account_must_be_twelve_digits" {
  command = plan

  module {
    source = "./modules/keys"
  }

  variables {
    account_id = "1234"
  }

  expect_failures = [var.account_id]
}
