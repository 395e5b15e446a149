locals {
  # Who called, as an id, and from where: an attack is traced with both. Without e-mail addresses, agents and paths with ids.
  log_format = {
    request_id             = "$context.requestId"
    time                   = "$context.requestTimeEpoch"
    route                  = "$context.routeKey"
    source_ip              = "$context.identity.sourceIp"
    principal              = "$context.authorizer.sub"
    status                 = "$context.status"
    latency_ms             = "$context.responseLatency"
    integration_status     = "$context.integrationStatus"
    integration_latency_ms = "$context.integrationLatency"
    integration_error      = "$context.integrationErrorMessage"
    authorizer_error       = "$context.authorizer.error"
    response_bytes         = "$context.responseLength"
  }

  # Routes without a class of their own do not exist; the strictest class is what a new one would get until it has.
  strictest = [
    for class in values(var.throttle_classes) : class
    if class.rate == min([for other in values(var.throttle_classes) : other.rate]...)
  ][0]
}

resource "aws_apigatewayv2_api" "this" {
  name          = var.name
  description   = "HTTP API of the platform."
  protocol_type = "HTTP"
  tags          = var.tags

  # With a domain of its own the generated address would be a way around that domain's certificate checks.
  disable_execute_api_endpoint = length(var.domains) > 0

  dynamic "cors_configuration" {
    for_each = length(var.cors_origins) == 0 ? [] : [var.cors_origins]
    content {
      allow_origins     = cors_configuration.value
      allow_methods     = var.cors.allow_methods
      allow_headers     = var.cors.allow_headers
      expose_headers    = var.cors.expose_headers
      max_age           = var.cors.max_age_s
      allow_credentials = true
    }
  }
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:logs are kept for a year in S3; CloudWatch keeps what is searched every day
  name              = "/aws/apigateway/${var.name}"
  retention_in_days = var.log.retention_days
  kms_key_id        = var.log.key_arn
  tags              = var.tags
}

resource "aws_apigatewayv2_stage" "this" {
  api_id      = aws_apigatewayv2_api.this.id
  name        = "$default"
  auto_deploy = true
  tags        = var.tags

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.this.arn
    format          = jsonencode(local.log_format)
  }

  default_route_settings {
    detailed_metrics_enabled = true
    throttling_rate_limit    = local.strictest.rate
    throttling_burst_limit   = local.strictest.burst
  }

  dynamic "route_settings" {
    for_each = var.routes
    content {
      route_key                = route_settings.value.route
      detailed_metrics_enabled = true
      throttling_rate_limit    = var.throttle_classes[route_settings.value.throttle].rate
      throttling_burst_limit   = var.throttle_classes[route_settings.value.throttle].burst
    }
  }

  # Settings of a route that does not exist are refused.
  depends_on = [aws_apigatewayv2_route.this]
}

# A role for each context instead of a permission for each function: the aliases of all contexts exceed the 10 240 characters that a
# role's inline policies may have.
locals {
  invoked = {
    for context in distinct([for function in concat(values(var.routes), [var.authorizer]) : function.context]) : context => [
      for function in concat([var.authorizer], values(var.routes)) : function.alias_arn if function.context == context
    ]
  }
}

resource "aws_iam_role" "this" {
  for_each = local.invoked

  name                 = "${var.name}-${each.key}"
  description          = "Invokes the functions of the HTTP API in the context ${each.key}."
  tags                 = var.tags
  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "apigateway.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.arn_scope.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  for_each = local.invoked

  name = "invoke"
  role = aws_iam_role.this[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "Invoke"
      Effect   = "Allow"
      Action   = "lambda:InvokeFunction"
      Resource = each.value
    }]
  })
}

resource "aws_apigatewayv2_authorizer" "this" {
  api_id                            = aws_apigatewayv2_api.this.id
  name                              = var.authorizer.name
  authorizer_type                   = "REQUEST"
  authorizer_uri                    = var.authorizer.invoke_arn
  authorizer_credentials_arn        = aws_iam_role.this[var.authorizer.context].arn
  authorizer_payload_format_version = "2.0"
  authorizer_result_ttl_in_seconds  = var.authorizer.ttl_s
  enable_simple_responses           = true
  # API Gateway itself answers a request that lacks an identity source, and without one it cannot cache.
  identity_sources = var.authorizer.ttl_s > 0 ? ["$request.header.Authorization"] : []
}

resource "aws_apigatewayv2_integration" "this" {
  for_each = var.routes

  api_id                 = aws_apigatewayv2_api.this.id
  integration_type       = "AWS_PROXY"
  integration_method     = "POST"
  integration_uri        = each.value.invoke_arn
  credentials_arn        = aws_iam_role.this[each.value.context].arn
  payload_format_version = "2.0"
  timeout_milliseconds   = each.value.timeout_ms
}

resource "aws_apigatewayv2_route" "this" {
  #checkov:skip=CKV_AWS_309:routes that the catalog lists as public, such as logging in and webhooks, have no principal yet
  for_each = var.routes

  api_id             = aws_apigatewayv2_api.this.id
  route_key          = each.value.route
  target             = "integrations/${aws_apigatewayv2_integration.this[each.key].id}"
  authorization_type = each.value.public ? "NONE" : "CUSTOM"
  authorizer_id      = each.value.public ? null : aws_apigatewayv2_authorizer.this.id
}
