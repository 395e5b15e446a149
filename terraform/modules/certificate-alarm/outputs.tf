output "settings" {
  description = "Settings of the alarm, for the tests."
  value = {
    certificate_arn = aws_cloudwatch_metric_alarm.this.dimensions["CertificateArn"]
    description     = aws_cloudwatch_metric_alarm.this.alarm_description
    actions         = aws_cloudwatch_metric_alarm.this.alarm_actions
    threshold       = aws_cloudwatch_metric_alarm.this.threshold
  }
}
