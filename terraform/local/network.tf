# Stands in for modules/network on the emulator, which forgets the policies of endpoints and the settings of flow logs.

output "vpc_id" {
  value = "vpc-00000000000000001"
}

output "private_subnet_ids" {
  value = ["subnet-00000000000000001"]
}

output "data_subnet_ids" {
  value = ["subnet-00000000000000002", "subnet-00000000000000003"]
}

output "security_group_ids" {
  value = { for name in ["functions", "database", "proxy", "cache", "kafka", "endpoints"] : name => "sg-00000000000000001" }
}

output "log_group_name" {
  value = "/aws/vpc/${var.prefix}"
}
