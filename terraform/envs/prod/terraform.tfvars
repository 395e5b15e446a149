environment = "prod"
# An example: put in the account of the environment.
account_id         = "222222222222"
region             = "eu-west-1"
availability_zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]

alarm_emails          = ["operations@quayside.example"]
log_retention_days    = 30
backup_retention_days = 35
