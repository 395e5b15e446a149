output "project_names" {
  description = "CodeBuild projects by purpose: build, plan, apply, drift."
  value       = { for name, project in aws_codebuild_project.this : name => project.name }
}
