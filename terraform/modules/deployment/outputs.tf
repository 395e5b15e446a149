output "application" {
  description = "CodeDeploy application; a deployment group is called like its function."
  value       = aws_codedeploy_app.this.name
}
