# The state's bucket is created once by hand, versioned and private (see terraform/README.md).
bucket       = "quayside-dev-state-111111111111"
key          = "quayside.tfstate"
region       = "eu-west-1"
encrypt      = true
use_lockfile = true
