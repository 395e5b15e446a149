# Objects are copied within minutes, and their deletion is not, so that a deletion by mistake has a copy left.

resource "aws_iam_role" "replication" {
  name                 = "${var.prefix}-bucket-replication"
  permissions_boundary = var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

# The keys of both regions let S3 encrypt and decrypt for whoever may use the objects.
resource "aws_iam_role_policy" "replication" {
  name = "replicate"
  role = aws_iam_role.replication.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "Configuration"
        Effect   = "Allow"
        Action   = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
        Resource = [for name in sort(keys(var.buckets)) : var.buckets[name].source_arn]
      },
      {
        Sid    = "Read"
        Effect = "Allow"
        Action = [
          "s3:GetObjectLegalHold", "s3:GetObjectRetention", "s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication",
          "s3:GetObjectVersionTagging",
        ]
        Resource = [for name in sort(keys(var.buckets)) : "${var.buckets[name].source_arn}/*"]
      },
      {
        Sid      = "Write"
        Effect   = "Allow"
        Action   = ["s3:ReplicateObject", "s3:ReplicateTags"]
        Resource = [for name in sort(keys(var.buckets)) : "${var.buckets[name].copy_arn}/*"]
      },
    ]
  })
}

resource "aws_s3_bucket_replication_configuration" "this" {
  for_each = var.buckets

  bucket = each.value.source_name
  role   = aws_iam_role.replication.arn

  rule {
    id     = "all-objects"
    status = "Enabled"

    filter {}

    delete_marker_replication {
      status = "Disabled"
    }

    source_selection_criteria {
      sse_kms_encrypted_objects {
        status = "Enabled"
      }
    }

    destination {
      bucket        = each.value.copy_arn
      storage_class = "STANDARD_IA"

      encryption_configuration {
        replica_kms_key_id = var.key_arns.buckets
      }

      # Copies that take longer than fifteen minutes show as a metric.
      replication_time {
        status = "Enabled"

        time {
          minutes = 15
        }
      }

      metrics {
        status = "Enabled"

        event_threshold {
          minutes = 15
        }
      }
    }
  }
}
