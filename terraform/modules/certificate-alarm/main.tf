# The alarm on the expiry of one certificate, in the region of the certificate.

resource "aws_cloudwatch_metric_alarm" "this" {
  alarm_name        = var.name
  alarm_description = "${var.alarm.summary} Runbook: ${var.runbook_url}/${var.alarm.runbook}"
  alarm_actions     = [var.topic_arns[var.alarm.severity]]
  ok_actions        = [var.topic_arns[var.alarm.severity]]

  namespace           = var.alarm.namespace
  metric_name         = var.alarm.metric
  dimensions          = { CertificateArn = var.certificate_arn }
  statistic           = var.alarm.statistic
  period              = var.alarm.period_s
  comparison_operator = var.alarm.comparison
  threshold           = var.alarm.threshold
  evaluation_periods  = var.alarm.periods
  datapoints_to_alarm = var.alarm.datapoints
  treat_missing_data  = var.alarm.missing
}
