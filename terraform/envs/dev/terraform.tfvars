environment = "dev"
# An example: put in the account of the environment.
account_id         = "111111111111"
region             = "eu-west-1"
availability_zones = ["eu-west-1a", "eu-west-1b"]

alarm_emails          = ["dev@quayside.example"]
log_retention_days    = 7
backup_retention_days = 1
