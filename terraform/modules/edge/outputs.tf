output "url" {
  description = "Base URL for clients."
  value       = local.url
}

output "distribution_id" {
  description = "Id of the CloudFront distribution."
  value       = aws_cloudfront_distribution.this.id
}

output "store_arn" {
  description = "ARN of the key value store that holds the origin secret."
  value       = aws_cloudfront_key_value_store.this.arn
}

output "web_acl_name" {
  description = "Name of the web ACL, a dimension of its metrics."
  value       = aws_wafv2_web_acl.this.name
}

output "pages_bucket" {
  description = "Name of the bucket of the web pages."
  value       = aws_s3_bucket.pages.bucket
}

output "settings" {
  description = "Settings that the tests compare with the catalog."
  value = {
    web_acl_id    = aws_cloudfront_distribution.this.web_acl_id
    web_acl_arn   = aws_wafv2_web_acl.this.arn
    protocol      = one(distinct(concat(aws_cloudfront_distribution.this.default_cache_behavior[*].viewer_protocol_policy, aws_cloudfront_distribution.this.ordered_cache_behavior[*].viewer_protocol_policy)))
    cache_policy  = one(distinct(aws_cloudfront_distribution.this.ordered_cache_behavior[*].cache_policy_id))
    origin        = one([for origin in aws_cloudfront_distribution.this.origin : origin.custom_origin_config[0].origin_protocol_policy if origin.origin_id == "api"])
    api_paths     = aws_cloudfront_distribution.this.ordered_cache_behavior[*].path_pattern
    targets       = { default = aws_cloudfront_distribution.this.default_cache_behavior[0].target_origin_id, api = one(distinct(aws_cloudfront_distribution.this.ordered_cache_behavior[*].target_origin_id)) }
    pages_policy  = jsondecode(aws_s3_bucket_policy.pages.policy)
    page_headers  = { content_security_policy = local.content_security_policy, attached = aws_cloudfront_distribution.this.default_cache_behavior[0].response_headers_policy_id == aws_cloudfront_response_headers_policy.pages.id }
    uploads       = { for key, cors in aws_s3_bucket_cors_configuration.uploads : key => one(cors.cors_rule).allowed_origins }
    managed_rules = [for rule in aws_wafv2_web_acl.this.rule : rule.name if startswith(rule.name, "AWS")]
    limited_paths = [for rule in aws_wafv2_web_acl.this.rule : one(rule.statement[0].rate_based_statement[0].scope_down_statement[0].byte_match_statement).search_string if startswith(rule.name, "rate-")]
    rate_limits   = { for rule in aws_wafv2_web_acl.this.rule : rule.name => rule.statement[0].rate_based_statement[0].limit if startswith(rule.name, "rate") }
    failover      = { for role, record in aws_route53_record.origin : role => record.failover_routing_policy[0].type }
    health_hosts  = { for role, check in aws_route53_health_check.this : role => check.fqdn }
    unlimited     = one([for rule in aws_wafv2_web_acl.this.rule : try(rule.statement[0].rate_based_statement[0].scope_down_statement[0].not_statement[0].statement[0].regex_match_statement[0].regex_string, null) if rule.name == "rate"])
    health_paths  = { for role, check in aws_route53_health_check.this : role => check.resource_path }
    functions     = one(distinct([for behavior in aws_cloudfront_distribution.this.ordered_cache_behavior : { for association in behavior.function_association : association.event_type => association.function_arn }]))
    viewer        = { arn = aws_cloudfront_function.viewer.arn, stores = aws_cloudfront_function.viewer.key_value_store_associations, published = aws_cloudfront_function.viewer.publish, code = aws_cloudfront_function.viewer.code }
    store         = aws_cloudfront_key_value_store.this.arn
    forwarding    = one(distinct(aws_cloudfront_distribution.this.ordered_cache_behavior[*].origin_request_policy_id))
    redacted = [
      for field in aws_wafv2_web_acl_logging_configuration.this.redacted_fields : length(field.query_string) > 0 ? "query string" : field.single_header[0].name
    ]
  }
}
