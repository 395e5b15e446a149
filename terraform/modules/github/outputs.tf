output "role_arns" {
  description = "Roles of the workflows: plan, drift, deploy. Put them into the repository's variables AWS_PLAN_ROLE_<ENVIRONMENT>, AWS_DRIFT_ROLE_<ENVIRONMENT> and AWS_DEPLOY_ROLE_<ENVIRONMENT>."
  value       = { for name, role in aws_iam_role.this : name => role.arn }
}
