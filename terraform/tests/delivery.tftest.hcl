# Rules of artifacts, deployments, pipelines, the rights of workflows, security services and budgets.

mock_provider "aws" {}

variables {
  prefix          = "quayside-dev"
  environment     = "dev"
  region          = "eu-west-1"
  account_id      = "111111111111"
  key_arn         = "arn:aws:kms:eu-west-1:111111111111:key/one"
  secrets_key_arn = "arn:aws:kms:eu-west-1:111111111111:key/two"
  topics_key_arn  = "arn:aws:kms:eu-west-1:111111111111:key/three"
  key_arns        = ["arn:aws:kms:eu-west-1:111111111111:key/one"]
  artifacts       = { name = "quayside-dev-artifacts-111111111111", arn = "arn:aws:s3:::quayside-dev-artifacts-111111111111" }
  artifacts_arn   = "arn:aws:s3:::quayside-dev-artifacts-111111111111"
  state_bucket    = "quayside-dev-state-111111111111"
  repository      = "example/quayside"
  topic_arns      = { page = "arn:aws:sns:eu-west-1:111111111111:page", ticket = "arn:aws:sns:eu-west-1:111111111111:ticket" }
  functions       = { order-place = ["quayside-dev-function-errors-order-place", "quayside-dev-function-throttles-order-place"] }
  services        = ["guardduty", "security_hub", "config", "inspector"]
  emails          = ["operations@example.com"]
  monthly_usd     = 100

  permissions_boundary = "arn:aws:iam::111111111111:policy/quayside-dev-boundary"
}

run "private_bucket" {
  command = plan

  module {
    source = "./modules/private-bucket"
  }

  variables {
    name           = "quayside-dev-one-111111111111"
    retention_days = 365
    tiers          = [{ days = 30, storage_class = "STANDARD_IA" }]
    statements     = [jsonencode({ Sid = "Another", Effect = "Deny", Principal = "*", Action = "s3:DeleteObject", Resource = "*" })]
  }

  assert {
    condition     = one(aws_s3_bucket_versioning.this.versioning_configuration).status == "Enabled"
    error_message = "An object could be replaced without a trace."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls, aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls, aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "The bucket could become public."
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).kms_master_key_id == var.key_arn
    error_message = "Objects are not encrypted with their key."
  }

  assert {
    condition     = one(aws_s3_bucket_ownership_controls.this.rule).object_ownership == "BucketOwnerEnforced"
    error_message = "Objects could have access lists of their own."
  }

  assert {
    condition = [for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : [statement.Sid, try(statement.Condition.Bool["aws:SecureTransport"], null)]] == [
      ["TlsOnly", "false"], ["Another", null]
    ]
    error_message = "The policy does not refuse plain HTTP beside what else it says."
  }

  assert {
    condition     = one(aws_s3_bucket_lifecycle_configuration.this.rule).expiration[0].days == 365 && [for tier in one(aws_s3_bucket_lifecycle_configuration.this.rule).transition : tier.days] == [30]
    error_message = "Objects do not become cheaper and end as the variables say."
  }
}

run "private_bucket_without_an_end" {
  command = plan

  module {
    source = "./modules/private-bucket"
  }

  variables {
    name           = "quayside-dev-one-111111111111"
    retention_days = 0
  }

  expect_failures = [var.retention_days]
}

run "private_bucket_in_a_slow_class" {
  command = plan

  module {
    source = "./modules/private-bucket"
  }

  variables {
    name           = "quayside-dev-one-111111111111"
    retention_days = 365
    tiers          = [{ days = 90, storage_class = "DEEP_ARCHIVE" }]
  }

  expect_failures = [var.tiers]
}

run "artifacts" {
  command = plan

  module {
    source = "./modules/artifacts"
  }

  assert {
    condition     = output.settings.name == "quayside-dev-artifacts-111111111111" && output.settings.key_arn == var.key_arn
    error_message = "Functions look for their packages in another bucket."
  }

  assert {
    condition     = output.settings.retention_days == 365 && length(output.settings.tier_days) == 0
    error_message = "A release of the last year could not be rolled back to at once."
  }
}

run "deployment" {
  command = plan

  module {
    source = "./modules/deployment"
  }

  assert {
    condition     = alltrue([for name, group in aws_codedeploy_deployment_group.this : one(group.alarm_configuration).enabled && one(group.alarm_configuration).alarms == toset(var.functions[name])])
    error_message = "A deployment is not undone by its function's alarms."
  }

  assert {
    condition     = alltrue([for group in aws_codedeploy_deployment_group.this : !one(group.alarm_configuration).ignore_poll_alarm_failure])
    error_message = "A deployment would go on while its alarms cannot be read."
  }

  assert {
    condition     = alltrue([for group in aws_codedeploy_deployment_group.this : one(group.auto_rollback_configuration).enabled && contains(one(group.auto_rollback_configuration).events, "DEPLOYMENT_STOP_ON_ALARM")])
    error_message = "An alarm does not roll a deployment back."
  }

  assert {
    condition     = one(aws_codedeploy_deployment_config.this.traffic_routing_config).type == "TimeBasedCanary" && one(one(aws_codedeploy_deployment_config.this.traffic_routing_config).time_based_canary).percentage == 10
    error_message = "A new version does not begin with a tenth of the requests."
  }
}

run "deployment_without_alarms" {
  command = plan

  module {
    source = "./modules/deployment"
  }

  variables {
    functions = { order-place = [] }
  }

  expect_failures = [var.functions]
}

run "canary_that_ends_before_its_alarms" {
  command = plan

  module {
    source = "./modules/deployment"
  }

  variables {
    canary = { percentage = 10, minutes = 1 }
  }

  expect_failures = [var.canary]
}

run "boundary" {
  command = plan

  module {
    source = "./modules/boundary"
  }

  assert {
    condition = [for statement in jsondecode(aws_iam_policy.this.policy).Statement : statement.Effect if can(statement.NotAction)] == ["Allow"] && alltrue([
      for statement in jsondecode(aws_iam_policy.this.policy).Statement : length(setsubtract(["account:*", "iam:*", "organizations:*", "sts:AssumeRole*"], statement.NotAction)) == 0 if can(statement.NotAction)
    ])
    error_message = "A bounded role could change rights or accounts, or become another role."
  }

  assert {
    condition = alltrue(flatten([
      for statement in jsondecode(aws_iam_policy.this.policy).Statement : [for action in statement.Action : can(regex("^iam:(Generate|Get|List|Simulate)", action))] if can(statement.Action)
    ]))
    error_message = "A bounded role could do more with rights than read them."
  }
}

run "bounded_roles" {
  command = plan

  module {
    source = "./modules/bounded-roles"
  }

  # The calls that give a role rights.
  assert {
    condition = alltrue([
      for statement in output.statements : try(statement.Condition.StringEquals["iam:PermissionsBoundary"], null) == var.permissions_boundary
      if statement.Effect == "Allow" && length(setintersection(statement.Action, [
        "iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy",
      ])) > 0
    ])
    error_message = "A deployment could create a role without the boundary, attach AdministratorAccess and assume it."
  }

  assert {
    condition = alltrue(flatten([
      for statement in output.statements : [
        for action in statement.Action : !strcontains(action, "*") && can(regex("^iam:", action)) &&
        !contains(["iam:CreatePolicyVersion", "iam:DeletePolicyVersion", "iam:DeleteRolePermissionsBoundary", "iam:SetDefaultPolicyVersion"], action)
      ] if statement.Effect == "Allow"
    ]))
    error_message = "A deployment could change the boundary or remove it from a role."
  }

  assert {
    condition = alltrue(flatten([
      for statement in output.statements : [for arn in statement.Resource : can(regex("^arn:aws:iam::111111111111:(role|policy)/quayside-dev-", arn))]
    ]))
    error_message = "A deployment manages roles of others."
  }

  assert {
    condition = alltrue([
      for action in ["iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"] :
      contains(one([for statement in output.statements : statement.Action if statement.Sid == "NotItself"]), action)
    ])
    error_message = "A deployment could extend its own rights, or let others have them."
  }

  assert {
    condition = toset(one([for statement in output.statements : statement.Resource if statement.Sid == "NotItself"])) == toset([
      for name in ["codebuild-*", "codepipeline", "github-*"] : "arn:aws:iam::111111111111:role/quayside-dev-${name}"
    ])
    error_message = "A role of deployments could be changed by a deployment."
  }

  assert {
    condition     = contains(one([for statement in output.statements : statement.Resource if statement.Sid == "NotItsBoundary"]), var.permissions_boundary)
    error_message = "A deployment could change the boundary."
  }
}

run "no_contents" {
  command = plan

  module {
    source = "./modules/no-contents"
  }

  variables {
    object_arns = ["arn:aws:s3:::quayside-dev-state-111111111111/*"]
  }

  # Reads that AWS's ReadOnlyAccess has, or that someone may attach.
  assert {
    condition = alltrue([
      for action in [
        "athena:GetQueryResults", "dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:GetRecords", "dynamodb:PartiQLSelect", "dynamodb:Query",
        "dynamodb:Scan", "kafka-cluster:ReadData", "kinesis:GetRecords", "kinesis:SubscribeToShard", "logs:FilterLogEvents", "logs:GetLogEvents",
        "logs:GetQueryResults", "logs:StartLiveTail", "logs:StartQuery", "pi:GetDimensionKeyDetails", "rds:DownloadDBLogFilePortion",
        "secretsmanager:BatchGetSecretValue", "secretsmanager:GetSecretValue", "ses:ListSuppressedDestinations", "sqs:ReceiveMessage",
        "ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath", "xray:BatchGetTraces",
        ] : anytrue([
          for statement in output.statements : statement.Effect == "Deny" && try(statement.Resource == "*", false) && anytrue([
            for pattern in statement.Action : can(regex("^${replace(pattern, "*", ".*")}$", action))
          ])
      ])
    ])
    error_message = "A plan could read customers' data."
  }

  assert {
    condition = alltrue([
      for action in ["s3:GetObject", "s3:GetObjectVersion"] : anytrue([
        for statement in output.statements : statement.Effect == "Deny" && try(tolist(statement.NotResource) == tolist(var.object_arns), false) && anytrue([
          for pattern in statement.Action : can(regex("^${replace(pattern, "*", ".*")}$", action))
        ])
      ])
    ])
    error_message = "A plan could read an invoice, a replaced one, too."
  }
}

run "no_contents_but_a_pattern_of_buckets" {
  command = plan

  module {
    source = "./modules/no-contents"
  }

  variables {
    object_arns = ["arn:aws:s3:::quayside-dev-*/*"]
  }

  expect_failures = [var.object_arns]
}

run "no_contents_but_all_secrets" {
  command = plan

  module {
    source = "./modules/no-contents"
  }

  variables {
    object_arns = ["arn:aws:s3:::quayside-dev-state-111111111111/*"]
    secret_arns = ["arn:aws:secretsmanager:eu-west-1:111111111111:secret:*"]
  }

  expect_failures = [var.secret_arns]
}

run "github" {
  command = plan

  module {
    source = "./modules/github"
  }

  assert {
    condition     = jsondecode(aws_iam_role.this["deploy"].assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] == ["repo:example/quayside:environment:dev"]
    error_message = "Something other than a job in the environment, which its reviewers approved, may deploy."
  }

  assert {
    condition = { for name, role in aws_iam_role.this : name => jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"] if name != "deploy" } == {
      plan  = ["repo:example/quayside:pull_request"]
      drift = ["repo:example/quayside:ref:refs/heads/main"]
    }
    error_message = "A role that reads is given to others than pull requests and the main branch."
  }

  assert {
    condition = alltrue([
      for role in aws_iam_role.this : alltrue([
        for statement in jsondecode(role.assume_role_policy).Statement :
        keys(statement.Condition) == ["StringEquals"] && statement.Condition.StringEquals["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
      ])
    ])
    error_message = "A trust policy compares with a pattern, or takes tokens for another audience."
  }

  assert {
    condition     = alltrue([for role in aws_iam_role.this : !strcontains(role.assume_role_policy, "*")])
    error_message = "A trust policy has a wildcard."
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_iam_role_policy.this["plan"].policy).Statement : statement.Effect == "Deny" || alltrue([for action in statement.Action : can(regex("^(s3:GetObject|s3:ListBucket|kms:Decrypt)$", action))])])
    error_message = "A pull request may change something."
  }

  assert {
    condition     = alltrue([for statement in jsondecode(aws_iam_role_policy.this["drift"].policy).Statement : statement.Effect == "Deny" || alltrue([for action in statement.Action : can(regex("^(s3:GetObject|s3:ListBucket|kms:Decrypt|secretsmanager:GetSecretValue)$", action))])])
    error_message = "A drift check may change something."
  }

  assert {
    condition     = length(setsubtract(["NoObjects", "NoSecrets", "NoContents"], [for statement in jsondecode(aws_iam_role_policy.this["drift"].policy).Statement : statement.Sid if statement.Effect == "Deny"])) == 0
    error_message = "A drift check could read customers' data."
  }

  assert {
    condition     = length(setsubtract(["NoObjects", "NoSecrets", "NoContents"], [for statement in jsondecode(aws_iam_role_policy.this["plan"].policy).Statement : statement.Sid if statement.Effect == "Deny"])) == 0
    error_message = "A pull request could read customers' data."
  }

  assert {
    condition     = one([for statement in jsondecode(aws_iam_role_policy.this["plan"].policy).Statement : statement.NotResource if statement.Sid == "NoObjects"]) == [for bucket in ["state", "artifacts"] : "arn:aws:s3:::quayside-dev-${bucket}-111111111111/*"]
    error_message = "A pull request could read other objects than the state and the packages."
  }

  assert {
    condition     = one([for statement in jsondecode(aws_iam_role_policy.this["plan"].policy).Statement : statement.Resource if statement.Sid == "NoSecrets"]) == "*"
    error_message = "A pull request could read a secret."
  }

  assert {
    condition     = length(setsubtract(["ManageBoundedRoles", "NotItself", "NotItsBoundary"], [for statement in jsondecode(aws_iam_role_policy.this["deploy"].policy).Statement : statement.Sid])) == 0
    error_message = "A workflow could extend its own rights."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.this["deploy"].policy).Statement : statement.Resource
      if statement.Effect == "Allow" && contains(statement.Action, "iam:GetOpenIDConnectProvider")
    ] == ["arn:aws:iam::111111111111:oidc-provider/token.actions.githubusercontent.com"]
    error_message = "A deployment cannot plan: it may not read the identity provider, which its state holds."
  }

  assert {
    condition     = [for name, role in aws_iam_role.this : name if role.permissions_boundary != var.permissions_boundary] == ["deploy"]
    error_message = "A role that does not manage roles has no boundary."
  }

  assert {
    condition     = alltrue([for arn in values(aws_iam_role_policy_attachment.this)[*].policy_arn : !endswith(arn, "/AdministratorAccess")])
    error_message = "A workflow is an administrator."
  }
}

run "any_repository" {
  command = plan

  module {
    source = "./modules/github"
  }

  variables {
    repository = "example/*"
  }

  expect_failures = [var.repository]
}

run "any_environment" {
  command = plan

  module {
    source = "./modules/github"
  }

  variables {
    environment = "*"
  }

  expect_failures = [var.environment]
}

run "any_branch" {
  command = plan

  module {
    source = "./modules/github"
  }

  variables {
    branch = "*"
  }

  expect_failures = [var.branch]
}

run "pipeline" {
  command = plan

  # The policy of the pipeline names the projects.
  override_resource {
    target          = aws_codebuild_project.this
    override_during = plan
    values          = { arn = "arn:aws:codebuild:eu-west-1:111111111111:project/quayside-dev" }
  }

  module {
    source = "./modules/pipeline"
  }

  variables {
    connection_arn = "arn:aws:codeconnections:eu-west-1:111111111111:connection/one"
  }

  assert {
    condition     = [for stage in aws_codepipeline.this[0].stage : stage.name] == ["Source", "Build", "Plan", "Approve", "Apply"]
    error_message = "Something is applied without a plan that was approved."
  }

  # xtask lists the files that git tracks.
  assert {
    condition     = aws_codepipeline.this[0].stage[0].action[0].configuration.OutputArtifactFormat == "CODEBUILD_CLONE_REF"
    error_message = "The build gets no repository of git, so that it cannot compare two builds."
  }

  assert {
    condition = alltrue([
      for role in ["build", "plan"] : length([
        for statement in jsondecode(aws_iam_role_policy.build[role].policy).Statement : statement
        if try(statement.Resource == var.connection_arn && length(setsubtract(["codeconnections:UseConnection", "codestar-connections:UseConnection"], statement.Action)) == 0, false)
      ]) == 1
    ])
    error_message = "The build or the drift check cannot clone the repository."
  }

  assert {
    condition = { for name, project in aws_codebuild_project.this : name => [for auth in project.source[0].auth : [auth.type, auth.resource]] } == {
      build = []
      plan  = []
      apply = []
      drift = [["CODECONNECTIONS", var.connection_arn]]
    }
    error_message = "The drift check cannot fetch a private repository."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.pipeline.policy).Statement : toset(statement.Action) if try(statement.Resource == var.topics_key_arn, false)
    ] == [toset(["kms:Decrypt", "kms:GenerateDataKey*"])]
    error_message = "The request for an approval cannot be encrypted, so that nobody gets it."
  }

  assert {
    condition     = aws_cloudwatch_event_rule.schedule.schedule_expression == "cron(0 5 * * ? *)"
    error_message = "Drift is not looked for."
  }

  assert {
    condition     = strcontains(aws_codebuild_project.this["drift"].source[0].buildspec, "-detailed-exitcode") && aws_cloudwatch_event_target.failure.arn == var.topic_arns["ticket"]
    error_message = "Drift does not fail the check, or nobody is told."
  }

  assert {
    condition     = alltrue([for name, project in aws_codebuild_project.this : project.encryption_key == var.key_arn && !project.environment[0].privileged_mode])
    error_message = "A build is not encrypted, or runs with more than it needs."
  }

  assert {
    condition     = length(setsubtract(["NoObjects", "NoSecrets", "NoContents"], [for statement in jsondecode(aws_iam_role_policy.build["plan"].policy).Statement : statement.Sid if statement.Effect == "Deny"])) == 0
    error_message = "A plan could read customers' data."
  }

  assert {
    condition     = one([for statement in jsondecode(aws_iam_role_policy.build["plan"].policy).Statement : statement.NotResource if statement.Sid == "NoSecrets"]) == ["arn:aws:secretsmanager:eu-west-1:111111111111:secret:quayside/dev/database/*"]
    error_message = "A plan could read other secrets than those that it compares."
  }

  assert {
    condition     = length(setsubtract(["ManageBoundedRoles", "NotItself", "NotItsBoundary"], [for statement in jsondecode(aws_iam_role_policy.build["apply"].policy).Statement : statement.Sid])) == 0
    error_message = "A deployment could extend its own rights."
  }

  assert {
    condition     = [for name, role in aws_iam_role.build : name if role.permissions_boundary != var.permissions_boundary] == ["apply"]
    error_message = "A role that does not manage roles has no boundary."
  }
}

run "no_pipeline" {
  command = plan

  module {
    source = "./modules/pipeline"
  }

  assert {
    condition     = length(aws_codepipeline.this) == 0 && contains(keys(aws_codebuild_project.this), "drift") && length(aws_codebuild_project.this["drift"].source[0].auth) == 0
    error_message = "Without a connection the drift check alone remains."
  }
}

run "security" {
  command = plan

  module {
    source = "./modules/security"
  }

  assert {
    condition     = jsondecode(aws_config_config_rule.this["secret-age"].input_parameters).maxDaysSinceRotation == "90"
    error_message = "A secret could be older than ninety days without notice."
  }

  assert {
    condition     = aws_cloudwatch_event_target.this["guardduty"].arn == var.topic_arns["page"] && length(aws_cloudwatch_event_target.this) == 4
    error_message = "Findings reach nobody."
  }
}

run "security_of_an_organization" {
  command = plan

  module {
    source = "./modules/security"
  }

  variables {
    services = []
  }

  assert {
    condition     = length(aws_guardduty_detector.this) == 0 && length(aws_config_config_rule.this) == 0 && length(aws_cloudwatch_event_rule.this) == 0
    error_message = "A service is on although it was left out."
  }
}

run "security_hub_without_config" {
  command = plan

  module {
    source = "./modules/security"
  }

  variables {
    services = ["security_hub"]
  }

  expect_failures = [var.services]
}

run "budgets" {
  command = plan

  module {
    source = "./modules/budgets"
  }

  assert {
    condition     = aws_budgets_budget.this["total"].limit_amount == "100" && length(aws_budgets_budget.this["total"].notification) == 2
    error_message = "The environment has no budget, or nobody learns that it is used up."
  }

  assert {
    condition     = aws_ce_anomaly_monitor.this[0].monitor_dimension == "SERVICE" && [for value in one(one(aws_ce_anomaly_subscription.this.threshold_expression).dimension).values : value] == ["20"]
    error_message = "Unusual cost of a service is not detected from 20 dollars on."
  }

  assert {
    condition     = one(aws_ce_anomaly_subscription.this.subscriber).address == var.topic_arns["ticket"]
    error_message = "Cost anomalies reach nobody."
  }
}

# A second monitor of the services is refused.
run "account_with_a_monitor" {
  command = plan

  module {
    source = "./modules/budgets"
  }

  variables {
    anomaly_monitor_arn = "arn:aws:ce::111111111111:anomalymonitor/00000000-0000-0000-0000-000000000000"
  }

  assert {
    condition     = length(aws_ce_anomaly_monitor.this) == 0 && tolist(aws_ce_anomaly_subscription.this.monitor_arn_list) == tolist([var.anomaly_monitor_arn])
    error_message = "The account would have two monitors, or its monitor notifies nobody."
  }
}

run "budget_of_nothing" {
  command = plan

  module {
    source = "./modules/budgets"
  }

  variables {
    monthly_usd = 0
  }

  expect_failures = [var.monthly_usd]
}
