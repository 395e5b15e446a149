locals {
  # Without a hosted zone there are no records; with one region the record has no other to fail over to, but still its health check.
  origins = local.has_domain ? { for role, region in var.regions : role => region if region != null } : {}
}

resource "aws_route53_record" "public" {
  for_each = local.has_domain ? toset(["A", "AAAA"]) : toset([])

  zone_id = var.domain.zone_id
  name    = var.domain.name
  type    = each.key

  alias {
    name                   = aws_cloudfront_distribution.this.domain_name
    zone_id                = aws_cloudfront_distribution.this.hosted_zone_id
    evaluate_target_health = false
  }
}

# The region's own address, because the origin's name may already point to the other region.
resource "aws_route53_record" "regional" {
  #checkov:skip=CKV2_AWS_23:the alias points to the API's custom domain, whose target is passed as a variable
  count = var.regional == null ? 0 : 1

  zone_id = var.domain.zone_id
  name    = var.regional.name
  type    = "A"

  alias {
    name                   = var.regional.target
    zone_id                = var.regional.zone_id
    evaluate_target_health = false
  }
}

resource "aws_route53_health_check" "this" {
  for_each = local.origins

  type              = "HTTPS"
  fqdn              = each.value.host
  port              = 443
  resource_path     = var.health_path
  request_interval  = 30
  failure_threshold = 3
  measure_latency   = true
  tags              = merge(var.tags, { Name = "${var.name}-${each.key}" })
}

resource "aws_route53_record" "origin" {
  #checkov:skip=CKV2_AWS_23:the alias points to the API's custom domain, whose target is passed as a variable
  for_each = local.origins

  zone_id         = var.domain.zone_id
  name            = var.origin
  type            = "A"
  set_identifier  = each.key
  health_check_id = each.key == "primary" ? aws_route53_health_check.this[each.key].id : null

  failover_routing_policy {
    type = upper(each.key)
  }

  alias {
    name                   = each.value.target
    zone_id                = each.value.zone_id
    evaluate_target_health = true
  }
}
