# Values of attributes that the configuration takes apart, or that the provider's validation reads. All instances have the same.

mock_resource "aws_apigatewayv2_authorizer" {
  defaults = {
    id = "mock"
  }
}

mock_resource "aws_apigatewayv2_api" {
  defaults = {
    api_endpoint = "https://api.execute-api.eu-west-1.amazonaws.com"
  }
}

mock_resource "aws_cloudwatch_log_group" {
  defaults = {
    arn = "arn:aws:logs:eu-west-1:222222222222:log-group:mock"
  }
}

mock_resource "aws_cloudwatch_event_bus" {
  defaults = {
    arn = "arn:aws:events:eu-west-1:222222222222:event-bus/mock"
  }
}

mock_resource "aws_cloudwatch_event_rule" {
  defaults = {
    arn = "arn:aws:events:eu-west-1:222222222222:rule/mock"
  }
}

mock_resource "aws_iam_role" {
  defaults = {
    arn = "arn:aws:iam::222222222222:role/mock"
  }
}

mock_resource "aws_iam_policy" {
  defaults = {
    arn = "arn:aws:iam::222222222222:policy/mock"
  }
}

mock_resource "aws_wafv2_web_acl" {
  defaults = {
    arn = "arn:aws:wafv2:us-east-1:222222222222:global/webacl/mock/00000000-0000-0000-0000-000000000000"
  }
}

mock_resource "aws_cloudfront_distribution" {
  defaults = {
    arn = "arn:aws:cloudfront::222222222222:distribution/EMOCK"
  }
}

mock_resource "aws_cloudfront_response_headers_policy" {
  defaults = {
    id = "00000000-0000-0000-0000-000000000000"
  }
}

mock_resource "aws_cloudfront_function" {
  defaults = {
    arn = "arn:aws:cloudfront::222222222222:function/mock"
  }
}

mock_resource "aws_cloudfront_key_value_store" {
  defaults = {
    arn = "arn:aws:cloudfront::222222222222:key-value-store/00000000-0000-0000-0000-000000000000"
  }
}

mock_resource "aws_msk_cluster" {
  defaults = {
    arn = "arn:aws:kafka:eu-west-1:222222222222:cluster/mock/00000000-0000-0000-0000-000000000000-1"
  }
}

mock_resource "aws_db_proxy" {
  defaults = {
    arn = "arn:aws:rds:eu-west-1:222222222222:db-proxy:prx-00000000000000000"
  }
}

mock_data "aws_partition" {
  defaults = {
    partition = "aws"
  }
}

mock_resource "aws_elasticache_replication_group" {
  defaults = {
    primary_endpoint_address = "cache.quayside.example"
  }
}
