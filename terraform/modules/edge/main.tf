locals {
  # Ids of policies that AWS manages; they are the same in all accounts.
  caching_disabled = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
  # Passes on every header, those that the function adds among them.
  all_viewer_no_host = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
  security_headers   = "67f7725c-6f97-4210-82d7-5512b31e9d03"
  # The origin's Cache-Control decides.
  caching_optimized = "658327ea-f89d-4fab-a63d-7e88639e58f6"
  has_domain        = var.domain != null
  url               = "https://${local.has_domain ? var.domain.name : aws_cloudfront_distribution.this.domain_name}"
}

resource "aws_cloudfront_distribution" "this" {
  #checkov:skip=CKV_AWS_310:the origin's name fails over in DNS: a group of origins would not retry POST requests
  #checkov:skip=CKV_AWS_374:customers may be anywhere
  #checkov:skip=CKV_AWS_86:addresses in access logs are personal data; the API's log has every request that passes, WAF's those that do not
  #checkov:skip=CKV_AWS_174:without a domain CloudFront's own certificate is used, which fixes the protocol
  #checkov:skip=CKV2_AWS_32:the policy of security headers that AWS manages is attached, by its id
  #checkov:skip=CKV2_AWS_47:the web ACL has AWSManagedRulesKnownBadInputsRuleSet in a dynamic block, which the check does not read
  comment         = var.name
  enabled         = true
  is_ipv6_enabled = true
  http_version    = "http2and3"
  aliases         = local.has_domain ? [var.domain.name] : []
  price_class     = "PriceClass_100"
  web_acl_id      = aws_wafv2_web_acl.this.arn
  # The function of the pages names it, too; this is for the eyes of scanners.
  default_root_object = "index.html"
  tags                = var.tags

  origin {
    domain_name = var.origin
    origin_id   = "api"

    custom_origin_config {
      http_port              = 80
      https_port             = 443
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
      # Longer than the longest integration.
      origin_read_timeout = 35
    }
  }

  origin {
    domain_name              = aws_s3_bucket.pages.bucket_regional_domain_name
    origin_id                = "pages"
    origin_access_control_id = aws_cloudfront_origin_access_control.pages.id
  }

  default_cache_behavior {
    target_origin_id           = "pages"
    viewer_protocol_policy     = "redirect-to-https"
    allowed_methods            = ["GET", "HEAD"]
    cached_methods             = ["GET", "HEAD"]
    compress                   = true
    cache_policy_id            = local.caching_optimized
    response_headers_policy_id = aws_cloudfront_response_headers_policy.pages.id

    function_association {
      event_type   = "viewer-request"
      function_arn = aws_cloudfront_function.pages.arn
    }
  }

  # Nothing is cached: responses depend on the caller, and prices and stock change at any time.
  dynamic "ordered_cache_behavior" {
    for_each = sort(var.api_paths)
    content {
      path_pattern               = ordered_cache_behavior.value
      target_origin_id           = "api"
      viewer_protocol_policy     = "redirect-to-https"
      allowed_methods            = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]
      cached_methods             = ["GET", "HEAD"]
      compress                   = true
      cache_policy_id            = local.caching_disabled
      origin_request_policy_id   = local.all_viewer_no_host
      response_headers_policy_id = local.security_headers

      function_association {
        event_type   = "viewer-request"
        function_arn = aws_cloudfront_function.viewer.arn
      }
    }
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  viewer_certificate {
    acm_certificate_arn            = local.has_domain ? var.domain.certificate_arn : null
    cloudfront_default_certificate = !local.has_domain
    minimum_protocol_version       = local.has_domain ? "TLSv1.2_2021" : null
    ssl_support_method             = local.has_domain ? "sni-only" : null
  }
}
