provider "aws" {
  region              = var.region
  allowed_account_ids = var.offline ? null : [var.account_id]

  skip_credentials_validation = var.offline
  skip_metadata_api_check     = var.offline
  skip_requesting_account_id  = var.offline

  default_tags {
    tags = local.tags
  }
}

# CloudFront takes its certificate and its web ACL from this region only.
provider "aws" {
  alias               = "global"
  region              = "us-east-1"
  allowed_account_ids = var.offline ? null : [var.account_id]

  skip_credentials_validation = var.offline
  skip_metadata_api_check     = var.offline
  skip_requesting_account_id  = var.offline

  default_tags {
    tags = local.tags
  }
}

# The second region of the pilot light. Unused while var.standby is null.
provider "aws" {
  alias               = "standby"
  region              = local.standby_region
  allowed_account_ids = var.offline ? null : [var.account_id]

  skip_credentials_validation = var.offline
  skip_metadata_api_check     = var.offline
  skip_requesting_account_id  = var.offline

  default_tags {
    tags = local.tags
  }
}
