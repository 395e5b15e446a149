# Security groups name each other instead of address ranges. The only rule with a range lets functions call out over HTTPS.

locals {
  groups = {
    functions = "Lambda functions in the VPC"
    proxy     = "RDS Proxy"
    database  = "Aurora"
    cache     = "Valkey"
    kafka     = "Kafka brokers, and the pollers of their event source mappings"
    endpoints = "Interface endpoints"
  }

  # Each is an egress rule of the first group and an ingress rule of the second.
  flows = {
    functions-proxy     = { from = "functions", to = "proxy", port = 5432, what = "PostgreSQL through the proxy" }
    proxy-database      = { from = "proxy", to = "database", port = 5432, what = "PostgreSQL" }
    functions-cache     = { from = "functions", to = "cache", port = 6379, what = "Valkey over TLS" }
    functions-kafka     = { from = "functions", to = "kafka", port = 9098, what = "Kafka with TLS and IAM" }
    kafka-kafka         = { from = "kafka", to = "kafka", port = 9098, what = "Kafka for pollers" }
    functions-endpoints = { from = "functions", to = "endpoints", port = 443, what = "AWS services" }
    kafka-endpoints     = { from = "kafka", to = "endpoints", port = 443, what = "AWS services for pollers" }
  }
}

resource "aws_security_group" "this" {
  #checkov:skip=CKV2_AWS_5:the groups are attached in other modules, to functions, proxy, database, cache, brokers and endpoints
  for_each = local.groups

  name        = "${var.prefix}-${each.key}"
  description = each.value
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.prefix}-${each.key}" }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_vpc_security_group_ingress_rule" "this" {
  for_each = local.flows

  security_group_id            = aws_security_group.this[each.value.to].id
  referenced_security_group_id = aws_security_group.this[each.value.from].id
  description                  = "${each.value.what}, from ${each.value.from}"
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port

  tags = { Name = each.key }
}

resource "aws_vpc_security_group_egress_rule" "this" {
  for_each = local.flows

  security_group_id            = aws_security_group.this[each.value.from].id
  referenced_security_group_id = aws_security_group.this[each.value.to].id
  description                  = "${each.value.what}, to ${each.value.to}"
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port

  tags = { Name = each.key }
}

# The payment gateway, receivers of webhooks, and services of AWS without an endpoint have no fixed addresses.
resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id = aws_security_group.this["functions"].id
  cidr_ipv4         = "0.0.0.0/0"
  description       = "HTTPS to the payment gateway, to receivers of webhooks and to AWS"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443

  tags = { Name = "functions-https" }
}
