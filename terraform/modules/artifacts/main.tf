# The functions' packages, <release>/<function>.zip. Versioned, so that a release cannot be replaced without a trace.

module "bucket" {
  source = "../private-bucket"

  name    = "${var.prefix}-artifacts-${var.account_id}"
  key_arn = var.key_arn
  # A release stays for a year, so that any of them can be rolled back to.
  retention_days  = 365
  noncurrent_days = 90
}
