locals {
  # Bucket names are unique in the world, hence the account.
  names = { for name in keys(var.buckets) : name => "${var.prefix}-${name}-${var.account_id}${var.suffix}" }

  locked = { for name, bucket in var.buckets : name => bucket.locked_years if bucket.locked_years > 0 && var.enforce_locks }
}

resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_144:the module region replicates the buckets where a standby region is configured
  #checkov:skip=CKV2_AWS_62:functions.tf adds the notification of a bucket that is the trigger of a function; nothing reacts to the others
  for_each = local.names

  bucket              = each.value
  object_lock_enabled = contains(keys(local.locked), each.key)
  # A bucket with objects is never deleted by a teardown.
  force_destroy = false
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_object_lock_configuration" "this" {
  for_each = local.locked

  bucket = aws_s3_bucket.this[each.key].id

  rule {
    default_retention {
      mode  = "COMPLIANCE"
      years = each.value
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    bucket_key_enabled = true

    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.key_arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [for suffix in ["", "/*"] : "arn:${data.aws_partition.this.partition}:s3:::${local.names[each.key]}${suffix}"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.this]
}

# Objects with an end are read in their first days, if at all, and then kept: each tier costs less to keep and more to read.
resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = aws_s3_bucket.this

  bucket = each.value.id

  # What has no end is served until somebody deletes it.
  dynamic "rule" {
    for_each = var.buckets[each.key].retained_days > 0 ? [var.buckets[each.key].retained_days] : []

    content {
      id     = "tiers"
      status = "Enabled"

      filter {}

      # Objects that expire before pay for no transition.
      dynamic "transition" {
        for_each = rule.value > var.tiers.archive_days ? ["STANDARD_IA", "GLACIER_IR"] : []

        content {
          days          = transition.value == "STANDARD_IA" ? var.tiers.infrequent_days : var.tiers.archive_days
          storage_class = transition.value
        }
      }

      expiration {
        days = rule.value
      }
    }
  }

  rule {
    id     = "leftovers"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }

    # A locked version outlives this until its lock ends.
    noncurrent_version_expiration {
      noncurrent_days = 30
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_logging" "this" {
  for_each = aws_s3_bucket.this

  bucket        = each.value.id
  target_bucket = aws_s3_bucket.access_logs.id
  target_prefix = "${each.key}/"
}
