output "vpc_id" {
  description = "Id of the VPC."
  value       = aws_vpc.this.id
}

output "private_subnet_ids" {
  description = "Subnets of functions, one a zone."
  value       = [for zone in var.availability_zones : aws_subnet.private[zone].id]
}

output "data_subnet_ids" {
  description = "Subnets of data stores, one a zone, without a route to the internet."
  value       = [for zone in var.availability_zones : aws_subnet.data[zone].id]
}

output "security_group_ids" {
  description = "Ids of the security groups: functions, proxy, database, cache, kafka, endpoints."
  value       = { for name, group in aws_security_group.this : name => group.id }
}

output "log_group_name" {
  description = "Name of the group of the flow logs."
  value       = aws_cloudwatch_log_group.flows.name
}
