# What DNS asks before it sends clients to the standby: whether the primary region's API is ready.
resource "aws_route53_health_check" "this" {
  count = var.health_check_host == null ? 0 : 1

  type              = "HTTPS"
  fqdn              = var.health_check_host
  port              = 443
  resource_path     = var.health_check_path
  request_interval  = 30
  failure_threshold = 3
  measure_latency   = true

  tags = { Name = "${var.prefix}-primary" }
}
