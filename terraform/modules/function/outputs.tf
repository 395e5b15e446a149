output "arn" {
  description = "ARN of the function, without a version."
  value       = aws_lambda_function.this.arn
}

output "alias_arn" {
  description = "ARN of the alias that callers invoke."
  value       = local.alias_arn
  depends_on  = [aws_lambda_alias.this]
}

output "alias_name" {
  description = "Name of that alias."
  value       = aws_lambda_alias.this.name
}

output "invoke_arn" {
  description = "ARN by which API Gateway invokes the alias."
  value       = "arn:${var.arn_scope.partition}:apigateway:${var.arn_scope.region}:lambda:path/2015-03-31/functions/${local.alias_arn}/invocations"
  depends_on  = [aws_lambda_alias.this]
}

output "version" {
  description = "The version that the last apply published."
  value       = aws_lambda_function.this.version
}

output "function_name" {
  description = "Physical name of the function."
  value       = aws_lambda_function.this.function_name
}

output "role_name" {
  description = "Name of the execution role."
  value       = aws_iam_role.this.name
}

output "role_arn" {
  description = "ARN of the execution role."
  value       = aws_iam_role.this.arn
}

output "log_group_name" {
  description = "Name of the log group."
  value       = aws_cloudwatch_log_group.this.name
}

output "log_retention_days" {
  description = "Retention of the log group in days."
  value       = aws_cloudwatch_log_group.this.retention_in_days
}

output "policy" {
  description = "The IAM policy of the execution role as JSON."
  value       = aws_iam_role_policy.this.policy
}

output "settings" {
  description = "Settings of the function that the tests compare with the catalog and with template.yaml."
  value = {
    memory_mb            = aws_lambda_function.this.memory_size
    timeout_s            = aws_lambda_function.this.timeout
    environment          = aws_lambda_function.this.environment[0].variables
    tracing              = aws_lambda_function.this.tracing_config[0].mode
    in_network           = length(aws_lambda_function.this.vpc_config) > 0
    reserved_concurrency = aws_lambda_function.this.reserved_concurrent_executions
    architecture         = one(aws_lambda_function.this.architectures)
    asynchronous         = one(aws_lambda_function_event_invoke_config.this[*].maximum_event_age_in_seconds)
    permissions_boundary = aws_iam_role.this.permissions_boundary
  }
}
