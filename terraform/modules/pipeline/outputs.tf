output "project_names" {
  description = "CodeBuild projects by purpose: build, plan, apply, drift."
  value       = { for name, project in aws_codebuild_project.this : name => project.name }
}

output "log_group_names" {
  description = "Names of the groups of the builds' logs, by purpose."
  value       = { for name, group in aws_cloudwatch_log_group.this : name => group.name }
}
