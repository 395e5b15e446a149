# Two ways to rotate a secret. Secrets Manager drives a function that follows its protocol (database passwords: one secret, one role).
# A schedule invokes a function that replaces the value by itself (signing keys, of which the previous one must stay valid).

locals {
  invoked = { for name, function in var.functions : name => "${function.arn}:${function.alias}" }
}

resource "aws_secretsmanager_secret_rotation" "this" {
  #checkov:skip=CKV_AWS_304:the variable days allows ninety at most
  for_each = var.managed

  secret_id           = each.value.secret_arn
  rotation_lambda_arn = local.invoked[each.value.function]

  rotation_rules {
    automatically_after_days = var.days
  }

  depends_on = [aws_lambda_permission.this]
}

resource "aws_lambda_permission" "this" {
  for_each = toset([for rotation in var.managed : rotation.function])

  statement_id   = "SecretsManager"
  action         = "lambda:InvokeFunction"
  function_name  = var.functions[each.key].arn
  qualifier      = var.functions[each.key].alias
  principal      = "secretsmanager.amazonaws.com"
  source_account = var.account_id
}

resource "aws_iam_role" "this" {
  for_each = var.scheduled

  name                 = "${var.prefix}-rotate-${each.key}"
  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  for_each = var.scheduled

  name = "rotate"
  role = aws_iam_role.this[each.key].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Invoke"
        Effect   = "Allow"
        Action   = "lambda:InvokeFunction"
        Resource = local.invoked[each.value.function]
      },
      {
        Sid      = "DeadLetters"
        Effect   = "Allow"
        Action   = "sqs:SendMessage"
        Resource = var.dead_letter_queue_arn
      },
      {
        Sid      = "ReadSchedule"
        Effect   = "Allow"
        Action   = "kms:Decrypt"
        Resource = var.key_arn
      },
    ]
  })
}

resource "aws_scheduler_schedule" "this" {
  for_each = var.scheduled

  name                = "${var.prefix}-rotate-${each.key}"
  description         = "Rotates the secret ${each.key}"
  schedule_expression = "rate(${var.days} days)"
  kms_key_arn         = var.key_arn

  flexible_time_window {
    mode                      = "FLEXIBLE"
    maximum_window_in_minutes = 60
  }

  target {
    arn      = local.invoked[each.value.function]
    role_arn = aws_iam_role.this[each.key].arn
    input    = "{}"

    retry_policy {
      maximum_event_age_in_seconds = 3600
      maximum_retry_attempts       = 5
    }

    dead_letter_config {
      arn = var.dead_letter_queue_arn
    }
  }
}
