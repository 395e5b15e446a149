resource "aws_kinesis_stream" "this" {
  for_each = var.streams

  name             = "${var.prefix}-${each.key}"
  retention_period = var.retention_hours
  encryption_type  = "KMS"
  kms_key_id       = var.key_arn

  stream_mode_details {
    stream_mode = "ON_DEMAND"
  }
}
