# Endpoints keep the traffic to AWS inside the VPC. Those of S3 and DynamoDB cost nothing.

locals {
  own_principals = {
    Sid       = "OwnAccount"
    Effect    = "Allow"
    Principal = "*"
    Action    = "*"
    Resource  = "*"
    Condition = { StringEquals = { "aws:PrincipalAccount" = var.account_id } }
  }

  # What the pollers of Kafka topics call as the service Lambda, which is no principal of the account. Lambda requires all resources.
  poller_actions = { lambda = "lambda:InvokeFunction", sts = "sts:AssumeRole" }

  policies = {
    for service in setunion(["dynamodb", "s3"], var.interface_endpoints) : service => jsonencode({
      Version = "2012-10-17"
      Statement = concat([local.own_principals], [
        for name, action in local.poller_actions : {
          Sid       = "KafkaPollers"
          Effect    = "Allow"
          Principal = { Service = "lambda.amazonaws.com" }
          Action    = action
          Resource  = "*"
        } if name == service
      ])
    })
  }
}

resource "aws_vpc_endpoint" "gateway" {
  for_each = toset(["dynamodb", "s3"])

  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${var.region}.${each.key}"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = concat([aws_route_table.data.id], [for table in aws_route_table.private : table.id])
  policy            = local.policies[each.key]

  tags = { Name = "${var.prefix}-${each.key}" }
}

# Event source mappings poll Kafka from the data subnets, which have no other route to Lambda, STS and SQS.
resource "aws_vpc_endpoint" "interface" {
  for_each = var.interface_endpoints

  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${var.region}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = [for subnet in aws_subnet.data : subnet.id]
  security_group_ids  = [aws_security_group.this["endpoints"].id]
  policy              = local.policies[each.key]

  tags = { Name = "${var.prefix}-${each.key}" }
}
