environment = "prod"
# An example: put in the account of the environment.
account_id         = "222222222222"
region             = "eu-west-1"
availability_zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]

# Who logs in without one sets it up first; sessions without one end at their next refresh.
mfa_required_roles = ["staff", "admin"]

alarm_emails          = ["operations@quayside.example"]
log_retention_days    = 30
backup_retention_days = 35
monthly_budget_usd    = 2500

network = {
  cidr                = "10.30.0.0/16"
  nat_gateways        = "per_zone"
  interface_endpoints = ["events", "kinesis-streams", "lambda", "secretsmanager", "sns", "sqs", "sts"]
}

database = {
  capacity        = { min = 2, max = 32 }
  instances       = 2
  max_connections = 4000
}

cache = {
  node_type = "cache.t4g.medium"
  nodes     = 2
}

kafka = {
  brokers         = 3
  instance_type   = "kafka.m7g.large"
  volume_gib      = 200
  retention_hours = 168
}

# The quota of a new account is 10 or 1000: request more before the first apply.
reserve_concurrency = true
account_concurrency = 3000
cors_origins        = ["https://shop.quayside.example"]
