resource "aws_dynamodb_table" "this" {
  for_each = var.tables

  name                        = "${var.prefix}-${each.key}"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = each.value.key
  deletion_protection_enabled = var.deletion_protection

  # The change of an item is its outbox: the stream publishes it, and replicas in other regions need it.
  stream_enabled   = true
  stream_view_type = "NEW_AND_OLD_IMAGES"

  attribute {
    name = each.value.key
    type = "S"
  }

  attribute {
    name = each.value.index.key
    type = "S"
  }

  # The sweep of lost changes reads the keys of an hour.
  global_secondary_index {
    name            = each.value.index.name
    hash_key        = each.value.index.key
    projection_type = "KEYS_ONLY"
  }

  ttl {
    attribute_name = each.value.ttl
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = var.key_arn
  }

  lifecycle {
    # The module region adds the replica.
    ignore_changes = [replica]
  }
}
