# Roles of the builds: building publishes packages, planning reads, applying changes.

locals {
  state_arn = "arn:aws:s3:::${var.state_bucket}"

  database_secrets_arn = "arn:aws:secretsmanager:${var.region}:${var.account_id}:secret:${replace(var.prefix, "-", "/")}/database/*"

  build_roles = {
    build = { managed = [], statements = concat(local.publish, local.clone) }
    plan  = { managed = ["arn:aws:iam::aws:policy/ReadOnlyAccess"], statements = concat(module.no_contents.statements, local.state, local.secrets, local.clone) }
    apply = { managed = ["arn:aws:iam::aws:policy/PowerUserAccess"], statements = concat(module.bounded_roles.statements, local.state) }
  }

  publish = [{
    Sid      = "PublishPackages"
    Effect   = "Allow"
    Action   = ["s3:PutObject", "s3:GetObject"]
    Resource = "${var.artifacts.arn}/*"
  }]

  # Both names of the service: a connection has the one under which it was made.
  clone = [
    for arn in var.connection_arn == null ? [] : [var.connection_arn] : {
      Sid    = "CloneSource"
      Effect = "Allow"
      Action = flatten([
        for service in ["codeconnections", "codestar-connections"] : [
          for action in ["GetConnection", "GetConnectionToken", "UseConnection"] : "${service}:${action}"
        ]
      ])
      Resource = arn
    }
  ]

  state = [
    {
      Sid      = "UseState"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
      Resource = "${local.state_arn}/*"
    },
    {
      Sid      = "FindState"
      Effect   = "Allow"
      Action   = "s3:ListBucket"
      Resource = local.state_arn
    },
  ]

  # A plan compares the database's secrets with the state; no other values can be read.
  secrets = [
    {
      Sid      = "CompareSecrets"
      Effect   = "Allow"
      Action   = "secretsmanager:GetSecretValue"
      Resource = local.database_secrets_arn
    },
    {
      Sid      = "UseSecretsKey"
      Effect   = "Allow"
      Action   = "kms:Decrypt"
      Resource = var.secrets_key_arn
    },
  ]
}

module "no_contents" {
  source = "../no-contents"

  object_arns = ["${local.state_arn}/*", "${var.artifacts.arn}/*"]
  secret_arns = [local.database_secrets_arn]
}

module "bounded_roles" {
  source = "../bounded-roles"

  prefix               = var.prefix
  account_id           = var.account_id
  permissions_boundary = var.permissions_boundary
}

resource "aws_iam_role" "build" {
  for_each = local.build_roles

  name        = "${var.prefix}-codebuild-${each.key}"
  description = "Runs the builds of the delivery: ${each.key}"
  # Who manages roles cannot be bounded by what may not; it changes none but bounded ones.
  permissions_boundary = each.key == "apply" ? null : var.permissions_boundary
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "codebuild.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "build" {
  for_each = local.build_roles

  name = "build"
  role = aws_iam_role.build[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(each.value.statements, [
      {
        Sid      = "PipelineArtifacts"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
        Resource = "${var.artifacts.arn}/*"
      },
      {
        Sid      = "UseKey"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = var.key_arn
      },
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "arn:aws:logs:${var.region}:${var.account_id}:log-group:/aws/codebuild/${var.prefix}-*"
      },
    ])
  })
}

resource "aws_iam_role_policy_attachment" "build" {
  for_each = merge([
    for name, role in local.build_roles : { for arn in role.managed : "${name}-${basename(arn)}" => { role = name, arn = arn } }
  ]...)

  #checkov:skip=CKV2_AWS_56:A pipeline that applies the whole topology creates resources of every kind; IAM is limited to the environment.
  role       = aws_iam_role.build[each.value.role].name
  policy_arn = each.value.arn
}

resource "aws_iam_role" "pipeline" {
  name                 = "${var.prefix}-codepipeline"
  description          = "Runs the stages of the delivery"
  permissions_boundary = var.permissions_boundary
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "codepipeline.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "pipeline" {
  name = "run-stages"
  role = aws_iam_role.pipeline.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "Artifacts"
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]
          Resource = "${var.artifacts.arn}/*"
        },
        {
          Sid      = "FindArtifacts"
          Effect   = "Allow"
          Action   = ["s3:GetBucketVersioning", "s3:ListBucket"]
          Resource = var.artifacts.arn
        },
        {
          Sid      = "UseKey"
          Effect   = "Allow"
          Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
          Resource = var.key_arn
        },
        {
          Sid      = "RunBuilds"
          Effect   = "Allow"
          Action   = ["codebuild:BatchGetBuilds", "codebuild:StartBuild"]
          Resource = [for project in aws_codebuild_project.this : project.arn]
        },
        {
          Sid      = "AskForApproval"
          Effect   = "Allow"
          Action   = "sns:Publish"
          Resource = var.topic_arns["ticket"]
        },
        {
          # The key of the topics lets services publish, and this role only by its own policy.
          Sid      = "UseTopicKey"
          Effect   = "Allow"
          Action   = ["kms:Decrypt", "kms:GenerateDataKey*"]
          Resource = var.topics_key_arn
        },
      ],
      [
        for arn in var.connection_arn == null ? [] : [var.connection_arn] : {
          Sid      = "FetchSource"
          Effect   = "Allow"
          Action   = ["codestar-connections:UseConnection", "codeconnections:UseConnection"]
          Resource = arn
        }
      ],
    )
  })
}

resource "aws_iam_role" "schedule" {
  name                 = "${var.prefix}-drift-schedule"
  description          = "Starts the drift check"
  permissions_boundary = var.permissions_boundary
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "schedule" {
  name = "start-check"
  role = aws_iam_role.schedule.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "StartCheck"
      Effect   = "Allow"
      Action   = "codebuild:StartBuild"
      Resource = aws_codebuild_project.this["drift"].arn
    }]
  })
}
