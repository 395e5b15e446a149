output "role_arns" {
  description = "Roles of the workflows: plan, deploy. Put them into the repository's variables AWS_PLAN_ROLE and AWS_DEPLOY_ROLE."
  value       = { for name, role in aws_iam_role.this : name => role.arn }
}
