# The state's bucket is created once by hand, versioned and private (see terraform/README.md).
bucket       = "quayside-prod-state-222222222222"
key          = "quayside.tfstate"
region       = "eu-west-1"
encrypt      = true
use_lockfile = true
