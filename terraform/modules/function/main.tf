locals {
  # Known in the plan, so that policies that name the alias can be read and tested before they are applied.
  alias_arn = "arn:${var.arn_scope.partition}:lambda:${var.arn_scope.region}:${var.arn_scope.account_id}:function:${var.name}:${var.alias}"
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:logs are kept for a year in S3; CloudWatch keeps what is searched every day
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log.retention_days
  kms_key_id        = var.log.key_arn
  tags              = var.tags
}

resource "aws_iam_role" "this" {
  name                 = var.name
  description          = "Execution role of ${var.name}."
  tags                 = var.tags
  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name   = "least-privilege"
  role   = aws_iam_role.this.id
  policy = var.policy
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_116:asynchronous invocations come from schedules, whose rules have a dead-letter queue; queues and streams have their own
  #checkov:skip=CKV_AWS_173:the variables are names and addresses; secrets are read from Secrets Manager
  function_name = var.name
  description   = var.description
  role          = aws_iam_role.this.arn
  runtime       = "provided.al2023"
  handler       = "bootstrap"
  architectures = [var.architecture]
  s3_bucket     = var.artifact.bucket
  s3_key        = var.artifact.key
  memory_size   = var.memory_mb
  timeout       = var.timeout_s
  publish       = true
  tags          = var.tags

  code_signing_config_arn = var.code_signing_config_arn

  # -1: not reserved.
  reserved_concurrent_executions = var.reserved_concurrency == null ? -1 : var.reserved_concurrency

  environment {
    variables = var.environment
  }

  # In JSON format Lambda can leave out its own line at the start and end of each invocation.
  logging_config {
    log_group             = aws_cloudwatch_log_group.this.name
    log_format            = "JSON"
    application_log_level = upper(var.log.level)
    system_log_level      = "WARN"
  }

  tracing_config {
    mode = var.tracing
  }

  dynamic "vpc_config" {
    for_each = var.network == null ? [] : [var.network]
    content {
      subnet_ids         = vpc_config.value.subnet_ids
      security_group_ids = vpc_config.value.security_group_ids
    }
  }

  # Without its policy the first version could neither log nor create its network interfaces.
  depends_on = [aws_iam_role_policy.this]
}

resource "aws_lambda_alias" "this" {
  name             = var.alias
  description      = "The version that callers invoke."
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version

  # CodeDeploy moves the alias, a share of the requests first. An apply only publishes the version.
  lifecycle {
    ignore_changes = [function_version, routing_config]
  }
}

resource "aws_lambda_provisioned_concurrency_config" "this" {
  count = var.provisioned_concurrency > 0 ? 1 : 0

  function_name                     = aws_lambda_function.this.function_name
  qualifier                         = aws_lambda_alias.this.name
  provisioned_concurrent_executions = var.provisioned_concurrency

  # The alias moves during a deployment, and its environments with it.
  skip_destroy = false
}

resource "aws_lambda_function_event_invoke_config" "this" {
  count = var.asynchronous == null ? 0 : 1

  function_name                = aws_lambda_function.this.function_name
  qualifier                    = aws_lambda_alias.this.name
  maximum_retry_attempts       = var.asynchronous.retries
  maximum_event_age_in_seconds = var.asynchronous.age_s

  dynamic "destination_config" {
    for_each = var.asynchronous.on_failure_arn == null ? [] : [var.asynchronous.on_failure_arn]
    content {
      on_failure {
        destination = destination_config.value
      }
    }
  }
}
