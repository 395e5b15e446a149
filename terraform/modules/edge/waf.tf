locals {
  # Groups of rules that AWS maintains, in the order of their evaluation.
  managed_rules = ["AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesKnownBadInputsRuleSet", "AWSManagedRulesCommonRuleSet", "AWSManagedRulesSQLiRuleSet"]
}

resource "aws_wafv2_web_acl" "this" {
  provider = aws.global

  name        = var.name
  description = "Rate limits and managed rules in front of the HTTP API."
  scope       = "CLOUDFRONT"
  tags        = var.tags

  default_action {
    allow {}
  }

  rule {
    name     = "rate"
    priority = 0

    action {
      block {
        custom_response {
          response_code = 429
        }
      }
    }

    statement {
      rate_based_statement {
        limit              = var.rate_limits.all
        aggregate_key_type = "IP"

        dynamic "scope_down_statement" {
          for_each = length(var.webhook_paths) == 0 ? [] : [join("|", sort(var.webhook_paths))]
          content {
            not_statement {
              statement {
                regex_match_statement {
                  regex_string = "^(${scope_down_statement.value})$"

                  field_to_match {
                    uri_path {}
                  }

                  text_transformation {
                    priority = 0
                    type     = "NORMALIZE_PATH"
                  }
                }
              }
            }
          }
        }
      }
    }

    visibility_config {
      cloudwatch_metrics_enabled = true
      metric_name                = "${var.name}-rate"
      sampled_requests_enabled   = false
    }
  }

  dynamic "rule" {
    for_each = var.anonymous_write_paths
    content {
      name     = "rate${replace(rule.value, "/", "-")}"
      priority = 10 + index(sort(var.anonymous_write_paths), rule.value)

      action {
        block {
          custom_response {
            response_code = 429
          }
        }
      }

      statement {
        rate_based_statement {
          limit              = var.rate_limits.anonymous_writes
          aggregate_key_type = "IP"

          scope_down_statement {
            byte_match_statement {
              search_string         = rule.value
              positional_constraint = "EXACTLY"

              field_to_match {
                uri_path {}
              }

              text_transformation {
                priority = 0
                type     = "NORMALIZE_PATH"
              }
            }
          }
        }
      }

      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = "${var.name}-rate${replace(rule.value, "/", "-")}"
        sampled_requests_enabled   = false
      }
    }
  }

  dynamic "rule" {
    for_each = local.managed_rules
    content {
      name     = rule.value
      priority = 100 + rule.key

      override_action {
        none {}
      }

      statement {
        managed_rule_group_statement {
          name        = rule.value
          vendor_name = "AWS"

          # Orders of many lines exceed its 8 KiB; API Gateway and the functions have limits of their own.
          dynamic "rule_action_override" {
            for_each = rule.value == "AWSManagedRulesCommonRuleSet" ? ["SizeRestrictions_BODY"] : []
            content {
              name = rule_action_override.value

              action_to_use {
                count {}
              }
            }
          }
        }
      }

      visibility_config {
        cloudwatch_metrics_enabled = true
        metric_name                = "${var.name}-${rule.value}"
        sampled_requests_enabled   = false
      }
    }
  }

  visibility_config {
    cloudwatch_metrics_enabled = true
    metric_name                = var.name
    # A sample holds addresses and headers.
    sampled_requests_enabled = false
  }
}

resource "aws_cloudwatch_log_group" "waf" {
  #checkov:skip=CKV_AWS_158:WAF logs are in us-east-1, where there is no key of ours; CloudWatch encrypts with its own
  #checkov:skip=CKV_AWS_338:blocked requests are of interest for days
  provider = aws.global

  # WAF requires this beginning.
  name              = "aws-waf-logs-${var.name}"
  retention_in_days = var.log.retention_days
  tags              = var.tags
}

resource "aws_wafv2_web_acl_logging_configuration" "this" {
  provider = aws.global

  resource_arn            = aws_wafv2_web_acl.this.arn
  log_destination_configs = [aws_cloudwatch_log_group.waf.arn]

  redacted_fields {
    single_header {
      name = "authorization"
    }
  }

  # Refresh tokens of browsers.
  redacted_fields {
    single_header {
      name = "cookie"
    }
  }

  # Searches for customers by e-mail address.
  redacted_fields {
    query_string {}
  }

  # What passes is in the API's log; only what was blocked or counted is of interest here.
  logging_filter {
    default_behavior = "DROP"

    filter {
      behavior    = "KEEP"
      requirement = "MEETS_ANY"

      condition {
        action_condition {
          action = "BLOCK"
        }
      }

      condition {
        action_condition {
          action = "COUNT"
        }
      }
    }
  }
}
