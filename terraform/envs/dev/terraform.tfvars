environment = "dev"
# An example: put in the account of the environment.
account_id         = "111111111111"
region             = "eu-west-1"
availability_zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]

# Who logs in without one sets it up first; sessions without one end at their next refresh.
mfa_required_roles = ["staff", "admin"]

alarm_emails          = ["dev@quayside.example"]
log_retention_days    = 7
backup_retention_days = 1
trace_sampling        = 1
xray                  = true

network = {
  cidr         = "10.20.0.0/16"
  nat_gateways = "single"
  # The least: without them Kafka's event source mappings reach nothing. The rest goes through the NAT gateway.
  interface_endpoints = ["lambda", "sqs", "sts"]
}

database = {
  capacity        = { min = 0.5, max = 8 }
  instances       = 1
  max_connections = 1500
}

cache = {
  node_type = "cache.t4g.micro"
  nodes     = 1
}

kafka = {
  brokers         = 3
  instance_type   = "kafka.t3.small"
  volume_gib      = 20
  retention_hours = 24
}
