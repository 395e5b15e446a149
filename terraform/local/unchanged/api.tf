# What the emulator forgets of these resources is not compared in a second apply.

resource "aws_apigatewayv2_integration" "this" {
  lifecycle {
    ignore_changes = [credentials_arn]
  }
}

resource "aws_apigatewayv2_authorizer" "this" {
  lifecycle {
    ignore_changes = [jwt_configuration]
  }
}
