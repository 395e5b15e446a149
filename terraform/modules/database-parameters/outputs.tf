output "name" {
  description = "Name of the parameter group."
  value       = aws_rds_cluster_parameter_group.this.name
}

output "values" {
  description = "Values by the parameter's name, for the tests."
  value       = { for parameter in aws_rds_cluster_parameter_group.this.parameter : parameter.name => parameter.value }
}
