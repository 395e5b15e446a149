terraform {
  # 1.11 is the first version with a stable S3 lock file; 1.9 the first whose validations may refer to other variables.
  required_version = ">= 1.11.0, < 2.0.0"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # Exact, because the lock file is not committed: see DECISIONS.md.
      version = "5.100.0"
    }
  }

  # Bucket, key and region differ by environment: terraform init -backend-config=envs/<environment>/backend.hcl
  backend "s3" {}
}
