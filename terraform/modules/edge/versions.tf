terraform {
  required_version = ">= 1.11.0, < 2.0.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100.0, < 6.0.0"
      # CloudFront takes its web ACL from us-east-1 only; records and the distribution have no region.
      configuration_aliases = [aws.global]
    }
  }
}
