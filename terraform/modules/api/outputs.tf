output "id" {
  description = "Id of the HTTP API."
  value       = aws_apigatewayv2_api.this.id
}

output "endpoint" {
  description = "Base URL of the HTTP API: its public custom domain, or the generated address."
  value       = try("https://${var.domains["public"].name}", aws_apigatewayv2_api.this.api_endpoint)
}

output "stage_arn" {
  description = "ARN of the stage."
  value       = aws_apigatewayv2_stage.this.arn
}

output "stage_name" {
  description = "Name of the stage."
  value       = aws_apigatewayv2_stage.this.name
}

output "log_group_name" {
  description = "Name of the access log's group."
  value       = aws_cloudwatch_log_group.this.name
}

output "domain_targets" {
  description = "DNS target and hosted zone of each custom domain, by purpose."
  value = {
    for purpose, domain in aws_apigatewayv2_domain_name.this : purpose => {
      name    = domain.domain_name
      target  = domain.domain_name_configuration[0].target_domain_name
      zone_id = domain.domain_name_configuration[0].hosted_zone_id
    }
  }
}

output "settings" {
  description = "Settings that the tests compare with the catalog and with template.yaml."
  value = {
    routes = {
      for name, route in aws_apigatewayv2_route.this : name => {
        route         = route.route_key
        authorization = route.authorization_type
        authorizer    = route.authorizer_id
        timeout_ms    = aws_apigatewayv2_integration.this[name].timeout_milliseconds
      }
    }
    throttles = {
      for settings in aws_apigatewayv2_stage.this.route_settings : settings.route_key => {
        rate = settings.throttling_rate_limit, burst = settings.throttling_burst_limit
      }
    }
    default_throttle  = aws_apigatewayv2_stage.this.default_route_settings[0].throttling_rate_limit
    authorizer_ttl_s  = aws_apigatewayv2_authorizer.this.authorizer_result_ttl_in_seconds
    log_fields        = values(jsondecode(aws_apigatewayv2_stage.this.access_log_settings[0].format))
    cors              = { for cors in aws_apigatewayv2_api.this.cors_configuration : join(",", sort(cors.allow_origins)) => cors.allow_credentials }
    generated_address = !aws_apigatewayv2_api.this.disable_execute_api_endpoint
    mutual_tls        = { for purpose, domain in aws_apigatewayv2_domain_name.this : purpose => length(domain.mutual_tls_authentication) > 0 }
    invoked           = { for context, policy in aws_iam_role_policy.this : context => jsondecode(policy.policy).Statement[0].Resource }
    policy_lengths    = { for context, policy in aws_iam_role_policy.this : context => length(policy.policy) }
  }
}
