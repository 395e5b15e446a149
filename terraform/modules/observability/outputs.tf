output "alarm_names" {
  description = "Physical names of the alarms, by their name in the catalog."
  value       = { for name, alarm in aws_cloudwatch_metric_alarm.this : name => alarm.alarm_name }
}

output "alarm_arns" {
  description = "ARNs of the alarms, by their name in the catalog."
  value       = { for name, alarm in aws_cloudwatch_metric_alarm.this : name => alarm.arn }
}

output "rollback_alarm_names" {
  description = "Alarms that end a deployment, by function: errors, throttles and duration of the function, responses with server errors, and messages in its dead-letter queue."
  value = {
    for function in distinct(compact([for alarm in values(local.alarms) : alarm.function])) : function => sort([
      for name, alarm in local.alarms : aws_cloudwatch_metric_alarm.this[name].alarm_name
      if alarm.function == function && contains(local.rollback_metrics, "${alarm.namespace} ${alarm.metric}")
    ])
  }
}

output "dashboard_names" {
  description = "Names of the dashboards."
  value       = [for dashboard in aws_cloudwatch_dashboard.this : dashboard.dashboard_name]
}
