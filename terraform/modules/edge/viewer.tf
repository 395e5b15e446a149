# API Gateway sees the address of an edge location. Limits for each source need the viewer's, which this function passes on.

# An operator puts the key `origin-secret` in, so that it is in no state and no template: see docs/runbooks/certificate-and-secrets.md.
resource "aws_cloudfront_key_value_store" "this" {
  name    = "${var.name}-edge"
  comment = "The secret that marks requests as coming through the distribution"
}

resource "aws_cloudfront_function" "viewer" {
  name                         = "${var.name}-viewer"
  comment                      = "Passes the viewer's address on, with the secret"
  runtime                      = "cloudfront-js-2.0"
  publish                      = true
  key_value_store_associations = [aws_cloudfront_key_value_store.this.arn]
  code                         = file("${path.module}/viewer.js")
}
