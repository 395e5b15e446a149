# Network: zones, routes, and who may talk to whom.

mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }

  mock_resource "aws_security_group" {
    override_during = plan
    defaults        = { id = "sg-00000000000000000" }
  }

  mock_resource "aws_nat_gateway" {
    override_during = plan
    defaults        = { id = "nat-00000000000000000" }
  }

  mock_resource "aws_internet_gateway" {
    override_during = plan
    defaults        = { id = "igw-00000000000000000" }
  }
}

variables {
  prefix              = "quayside-test"
  account_id          = "111111111111"
  region              = "eu-west-1"
  cidr                = "10.20.0.0/16"
  availability_zones  = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
  nat_gateways        = "per_zone"
  interface_endpoints = ["lambda", "sqs", "sts"]
  log_retention_days  = 30
  logs_key_arn        = "arn:aws:kms:eu-west-1:111111111111:key/00000000-0000-0000-0000-000000000000"

  permissions_boundary = "arn:aws:iam::111111111111:policy/quayside-dev-boundary"
}

run "three_zones" {
  command = plan

  module {
    source = "./modules/network"
  }

  assert {
    condition = alltrue([
      for tier in [aws_subnet.private, aws_subnet.data, aws_subnet.public] :
      toset([for subnet in tier : subnet.availability_zone]) == toset(var.availability_zones)
    ])
    error_message = "Every tier must have a subnet in every zone."
  }

  assert {
    condition = length(distinct(concat(
      [for subnet in aws_subnet.private : subnet.cidr_block],
      [for subnet in aws_subnet.data : subnet.cidr_block],
      [for subnet in aws_subnet.public : subnet.cidr_block],
    ))) == 9
    error_message = "No two subnets may share a range."
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 3 && alltrue([for table in aws_route_table.private : length(table.route) == 1])
    error_message = "Every zone must have a NAT gateway of its own, and its private subnet the route to it."
  }

  assert {
    condition     = length(aws_route_table.data.route) == 0
    error_message = "Data subnets must not have a route to the internet."
  }

  assert {
    condition     = alltrue([for subnet in concat(values(aws_subnet.private), values(aws_subnet.data)) : subnet.map_public_ip_on_launch != true])
    error_message = "Nothing in private and data subnets may get a public address."
  }

  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.this : rule.cidr_ipv4 == null && rule.cidr_ipv6 == null && rule.prefix_list_id == null])
    error_message = "Security groups must admit other security groups, never address ranges."
  }

  assert {
    condition = toset([for name, flow in aws_vpc_security_group_ingress_rule.this : name if flow.from_port == 5432]) == toset([
      "functions-proxy", "proxy-database",
    ])
    error_message = "Functions must reach the database through the proxy only, and only the proxy may reach the database."
  }

  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.this : rule.ip_protocol == "tcp" && rule.from_port == rule.to_port])
    error_message = "A rule must admit one port."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.https.from_port == 443 && aws_vpc_security_group_egress_rule.https.to_port == 443
    error_message = "The only rule with an address range must be HTTPS out of functions."
  }

  assert {
    condition     = length(aws_default_security_group.this.ingress) == 0 && length(aws_default_security_group.this.egress) == 0
    error_message = "The default security group must be closed."
  }

  assert {
    condition = alltrue([
      for endpoint in concat(values(aws_vpc_endpoint.gateway), values(aws_vpc_endpoint.interface)) :
      jsondecode(endpoint.policy).Statement[0].Condition.StringEquals["aws:PrincipalAccount"] == var.account_id
    ])
    error_message = "Endpoints must serve principals of this account only, or data could leave to the bucket of another."
  }

  # "Example VPC endpoint policy" in AWS's guide on the network of a Lambda function and an MSK cluster.
  assert {
    condition = {
      for service, endpoint in aws_vpc_endpoint.interface : service => [
        for statement in slice(jsondecode(endpoint.policy).Statement, 1, length(jsondecode(endpoint.policy).Statement)) :
        [statement.Effect, statement.Principal.Service, statement.Action, statement.Resource]
      ]
      } == {
      lambda = [["Allow", "lambda.amazonaws.com", "lambda:InvokeFunction", "*"]]
      sqs    = []
      sts    = [["Allow", "lambda.amazonaws.com", "sts:AssumeRole", "*"]]
    }
    error_message = "The pollers of Kafka topics cannot assume the role of a function or invoke it, or the service Lambda may do more."
  }

  assert {
    condition     = toset(keys(aws_vpc_endpoint.gateway)) == toset(["dynamodb", "s3"])
    error_message = "Traffic to S3 and DynamoDB must not be paid for at the NAT gateway."
  }

  assert {
    condition     = aws_flow_log.this.traffic_type == "ALL" && aws_cloudwatch_log_group.flows.retention_in_days == 30
    error_message = "Flow logs must record all traffic and expire."
  }
}

run "a_single_nat_gateway_serves_all_zones" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    nat_gateways = "single"
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 1 && alltrue([for table in aws_route_table.private : length(table.route) == 1])
    error_message = "All private subnets must route through the only NAT gateway."
  }
}

run "a_network_without_nat_has_no_way_out" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    nat_gateways        = "none"
    interface_endpoints = []
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 0 && length(aws_internet_gateway.this) == 0 && length(aws_subnet.public) == 0
    error_message = "The pilot light must have no gateway, and pay for none."
  }
}

run "a_range_that_is_too_small_is_refused" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    cidr = "10.20.0.0/24"
  }

  expect_failures = [var.cidr]
}

run "a_public_range_is_refused" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    cidr = "52.20.0.0/16"
  }

  expect_failures = [var.cidr]
}

run "flow_logs_must_expire" {
  command = plan

  module {
    source = "./modules/network"
  }

  variables {
    log_retention_days = 0
  }

  expect_failures = [var.log_retention_days]
}
