# The web pages of shared/web, which `scripts/web --publish` puts into a bucket that the distribution alone reads.

locals {
  # The headers of every page; the local cloud sends them, too.
  pages     = jsondecode(file("${path.module}/pages.json"))
  pages_arn = "arn:aws:s3:::${var.pages.bucket}"

  # Pictures come from the buckets that uploads go to, by presigned links.
  upload_origins = join(" ", [for name in sort(values(var.upload_buckets)) : "https://${name}.s3.${var.pages.region}.amazonaws.com"])

  managed_headers = ["X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy"]

  content_security_policy = join("; ", [
    for name, value in local.pages.content_security_policy : trimspace("${name} ${replace(replace(value, "{media}", local.upload_origins), "{uploads}", local.upload_origins)}")
  ])
}

resource "aws_s3_bucket" "pages" {
  #checkov:skip=CKV_AWS_18:the files are public; the web ACL logs what it blocks
  #checkov:skip=CKV_AWS_144:the files are built again from their commit
  #checkov:skip=CKV_AWS_145:the files are public, and CloudFront would need the key
  #checkov:skip=CKV2_AWS_62:nothing reacts to a new file
  bucket        = var.pages.bucket
  force_destroy = false
  tags          = var.tags
}

resource "aws_s3_bucket_public_access_block" "pages" {
  bucket = aws_s3_bucket.pages.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "pages" {
  bucket = aws_s3_bucket.pages.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "pages" {
  bucket = aws_s3_bucket.pages.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "pages" {
  bucket = aws_s3_bucket.pages.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "pages" {
  bucket = aws_s3_bucket.pages.id

  rule {
    id     = "replaced"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      noncurrent_days = 30
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}

resource "aws_s3_bucket_policy" "pages" {
  bucket = aws_s3_bucket.pages.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.pages_arn, "${local.pages_arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        # With the permission to list, a file that is missing is 404 and not 403.
        Sid       = "Distribution"
        Effect    = "Allow"
        Principal = { Service = "cloudfront.amazonaws.com" }
        Action    = ["s3:GetObject", "s3:ListBucket"]
        Resource  = [local.pages_arn, "${local.pages_arn}/*"]
        Condition = { StringEquals = { "AWS:SourceArn" = aws_cloudfront_distribution.this.arn } }
      },
    ]
  })
}

resource "aws_cloudfront_origin_access_control" "pages" {
  name                              = "${var.name}-pages"
  description                       = "Signs requests to the bucket of the pages"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

resource "aws_cloudfront_function" "pages" {
  name    = "${var.name}-pages"
  comment = "Names the file of a page's address"
  runtime = "cloudfront-js-2.0"
  publish = true
  code    = file("${path.module}/pages.js")
}

resource "aws_cloudfront_response_headers_policy" "pages" {
  #checkov:skip=CKV_AWS_259:TLS is enforced for this name; subdomains and the browsers' preload lists are for the owner of the domain to decide
  name    = "${var.name}-pages"
  comment = "The headers of every page"

  # CloudFront takes these in their own blocks only.
  security_headers_config {
    content_type_options {
      override = true
    }

    frame_options {
      frame_option = local.pages.headers["X-Frame-Options"]
      override     = true
    }

    referrer_policy {
      referrer_policy = local.pages.headers["Referrer-Policy"]
      override        = true
    }

    content_security_policy {
      content_security_policy = local.content_security_policy
      override                = true
    }

    strict_transport_security {
      access_control_max_age_sec = 31536000
      override                   = true
    }
  }

  custom_headers_config {
    dynamic "items" {
      for_each = { for name, value in local.pages.headers : name => value if !contains(local.managed_headers, name) }
      content {
        header   = items.key
        value    = items.value
        override = true
      }
    }
  }
}

# Pages upload files to presigned links.
resource "aws_s3_bucket_cors_configuration" "uploads" {
  for_each = var.upload_buckets

  bucket = each.value

  cors_rule {
    allowed_methods = ["PUT"]
    allowed_origins = [local.url]
    allowed_headers = ["content-type"]
    max_age_seconds = 600
  }
}
