# CodePipeline: source, build, plan, approval, apply. CodeBuild also plans on a schedule: a difference is drift.

locals {
  projects = {
    build = { description = "Builds and tests the packages of the functions", role = "build", compute = "BUILD_GENERAL1_LARGE" }
    plan  = { description = "Plans the environment", role = "plan", compute = "BUILD_GENERAL1_SMALL" }
    apply = { description = "Applies the plan that was approved", role = "apply", compute = "BUILD_GENERAL1_SMALL" }
    drift = { description = "Fails when the environment differs from its configuration", role = "plan", compute = "BUILD_GENERAL1_SMALL" }
  }

  # A drift check fetches the main branch by itself; the others get their source from the pipeline.
  is_scheduled = { for name in keys(local.projects) : name => name == "drift" }

  has_pipeline = var.connection_arn != null
}

resource "aws_cloudwatch_log_group" "this" {
  for_each = local.projects

  #checkov:skip=CKV_AWS_338:logs older than the retention are in the archive bucket for a year
  name              = "/aws/codebuild/${var.prefix}-${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.key_arn
}

resource "aws_codebuild_project" "this" {
  for_each = local.projects

  name           = "${var.prefix}-${each.key}"
  description    = each.value.description
  service_role   = aws_iam_role.build[each.value.role].arn
  encryption_key = var.key_arn
  build_timeout  = 60

  # Two runs of Terraform would wait for the lock of the state, and the second would have an old plan.
  concurrent_build_limit = 1

  artifacts {
    type = local.is_scheduled[each.key] ? "NO_ARTIFACTS" : "CODEPIPELINE"
  }

  environment {
    type         = "LINUX_CONTAINER"
    compute_type = each.value.compute
    # Ubuntu, because scripts/setup installs Debian packages; the packages for arm64 are cross-compiled, as everywhere.
    image = "aws/codebuild/standard:7.0"
    # Nothing here builds images.
    privileged_mode = false

    environment_variable {
      name  = "ENVIRONMENT"
      value = var.environment
    }

    environment_variable {
      name  = "ARTIFACT_BUCKET"
      value = var.artifacts.name
    }
  }

  logs_config {
    cloudwatch_logs {
      group_name = aws_cloudwatch_log_group.this[each.key].name
    }
  }

  source {
    type      = local.is_scheduled[each.key] ? "GITHUB" : "CODEPIPELINE"
    location  = local.is_scheduled[each.key] ? "https://github.com/${var.repository}.git" : null
    buildspec = file("${path.module}/buildspecs/${each.key}.yml")

    # Without a connection a private repository needs a token of the account, which CodeBuild has for all projects.
    dynamic "auth" {
      for_each = local.is_scheduled[each.key] && local.has_pipeline ? [var.connection_arn] : []
      content {
        type     = "CODECONNECTIONS"
        resource = auth.value
      }
    }
  }

  source_version = local.is_scheduled[each.key] ? "main" : null
}

resource "aws_codepipeline" "this" {
  count = local.has_pipeline ? 1 : 0

  name           = var.prefix
  role_arn       = aws_iam_role.pipeline.arn
  pipeline_type  = "V2"
  execution_mode = "QUEUED"

  artifact_store {
    type     = "S3"
    location = var.artifacts.name

    encryption_key {
      type = "KMS"
      id   = var.key_arn
    }
  }

  stage {
    name = "Source"

    action {
      name             = "Source"
      category         = "Source"
      owner            = "AWS"
      provider         = "CodeStarSourceConnection"
      version          = "1"
      output_artifacts = ["source"]

      configuration = {
        ConnectionArn    = var.connection_arn
        FullRepositoryId = var.repository
        BranchName       = "main"
        # A clone by the build, because it copies the files that git tracks. No other action reads it.
        OutputArtifactFormat = "CODEBUILD_CLONE_REF"
      }
    }
  }

  stage {
    name = "Build"

    action {
      name             = "Build"
      category         = "Build"
      owner            = "AWS"
      provider         = "CodeBuild"
      version          = "1"
      input_artifacts  = ["source"]
      output_artifacts = ["release"]
      configuration    = { ProjectName = aws_codebuild_project.this["build"].name }
    }
  }

  stage {
    name = "Plan"

    action {
      name             = "Plan"
      category         = "Build"
      owner            = "AWS"
      provider         = "CodeBuild"
      version          = "1"
      input_artifacts  = ["release"]
      output_artifacts = ["plan"]
      configuration    = { ProjectName = aws_codebuild_project.this["plan"].name }
    }
  }

  stage {
    name = "Approve"

    action {
      name     = "Approve"
      category = "Approval"
      owner    = "AWS"
      provider = "Manual"
      version  = "1"

      configuration = {
        NotificationArn = var.topic_arns["ticket"]
        CustomData      = "Read the plan in the log of the stage Plan."
      }
    }
  }

  stage {
    name = "Apply"

    action {
      name            = "Apply"
      category        = "Build"
      owner           = "AWS"
      provider        = "CodeBuild"
      version         = "1"
      input_artifacts = ["plan"]
      configuration   = { ProjectName = aws_codebuild_project.this["apply"].name }
    }
  }
}

resource "aws_cloudwatch_event_rule" "schedule" {
  name                = "${var.prefix}-drift"
  description         = "Checks the environment for drift"
  schedule_expression = var.drift_schedule
}

resource "aws_cloudwatch_event_target" "schedule" {
  rule     = aws_cloudwatch_event_rule.schedule.name
  arn      = aws_codebuild_project.this["drift"].arn
  role_arn = aws_iam_role.schedule.arn

  retry_policy {
    maximum_event_age_in_seconds = 3600
    maximum_retry_attempts       = 3
  }
}

# Drift, a failed build or a failed deployment: someone has to look.
resource "aws_cloudwatch_event_rule" "failure" {
  name        = "${var.prefix}-delivery-failed"
  description = "A build, a drift check or a deployment failed"

  event_pattern = jsonencode({
    source      = ["aws.codebuild", "aws.codedeploy"]
    detail-type = ["CodeBuild Build State Change", "CodeDeploy Deployment State-change Notification"]
    "$or" = [
      { detail = { build-status = ["FAILED", "STOPPED", "TIMED_OUT"], project-name = [for name in keys(local.projects) : "${var.prefix}-${name}"] } },
      { detail = { state = ["FAILURE", "STOP"], application = [var.prefix] } },
    ]
  })
}

resource "aws_cloudwatch_event_target" "failure" {
  rule = aws_cloudwatch_event_rule.failure.name
  arn  = var.topic_arns["ticket"]
}
