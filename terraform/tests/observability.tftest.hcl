# Rules of alarms, service levels, logs and the audit trail. The modules are planned alone, with the catalog's rows.

mock_provider "aws" {}

variables {
  prefix          = "quayside-dev"
  region          = "eu-west-1"
  account_id      = "111111111111"
  namespace       = "quayside"
  alarms          = jsondecode(file("./catalog.json")).alarms
  journeys        = jsondecode(file("./catalog.json")).journeys
  burn_rates      = jsondecode(file("./catalog.json")).burn_rates
  topic_arns      = { page = "arn:aws:sns:eu-west-1:111111111111:page", ticket = "arn:aws:sns:eu-west-1:111111111111:ticket" }
  trail_log_group = "/aws/cloudtrail/quayside-dev"
  runbook_url     = "https://example.com/quayside"
  key_arn         = "arn:aws:kms:eu-west-1:111111111111:key/one"
  resources = {
    api_id           = "api"
    api_stage        = "live"
    database_cluster = "quayside-dev-database"
    database_proxy   = "quayside-dev-database"
    kafka_cluster    = "quayside-dev-kafka"
  }
  dashboards_directory = "./dashboards/cloudwatch"
  emails               = ["operations@example.com", "second@example.com"]
  log_groups           = { order-place = "/aws/lambda/quayside-dev-order-place", api = "/aws/apigateway/quayside-dev" }

  permissions_boundary = "arn:aws:iam::111111111111:policy/quayside-dev-boundary"
}

run "alarms" {
  command = plan

  module {
    source = "./modules/observability"
  }

  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.this)) == setsubtract(keys(var.alarms), ["certificate-expiry"])
    error_message = "Every alarm of the catalog is created, but that of a certificate that does not exist."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : can(regex("Runbook: https://example.com/quayside/docs/runbooks/[a-z-]+\\.md$", alarm.alarm_description))])
    error_message = "An alarm does not link to its runbook."
  }

  assert {
    condition = alltrue([
      for name, alarm in aws_cloudwatch_metric_alarm.this : tolist(alarm.alarm_actions) == tolist([var.topic_arns[var.alarms[name].severity]])
    ])
    error_message = "An alarm does not notify the topic of its severity."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.this : alarm.treat_missing_data == "notBreaching" || alarm.treat_missing_data == "breaching"])
    error_message = "An alarm leaves open what missing data means."
  }

  assert {
    condition = alltrue([
      for name, function in jsondecode(file("./catalog.json")).functions :
      function.trigger.kind != "schedule" || try(aws_cloudwatch_metric_alarm.this["schedule-silent-${name}"].treat_missing_data == "breaching", false)
    ])
    error_message = "A schedule could stop without an alarm."
  }

  assert {
    condition = alltrue([
      for name, function in jsondecode(file("./catalog.json")).functions : !function.has_dead_letter_queue ||
      try(aws_cloudwatch_metric_alarm.this["dead-letters-${name}"].dimensions["QueueName"] == "quayside-dev-${name}-dlq", false)
    ])
    error_message = "A dead-letter queue has no alarm."
  }

  assert {
    condition     = alltrue([for name, function in jsondecode(file("./catalog.json")).functions : contains(keys(aws_cloudwatch_metric_alarm.this), "function-errors-${name}")])
    error_message = "A function has no alarm on its errors."
  }

  assert {
    condition = alltrue([
      for name, function in jsondecode(file("./catalog.json")).functions :
      aws_cloudwatch_metric_alarm.this["function-duration-${name}"].threshold == function.timeout_s * 800
    ])
    error_message = "A function's duration is not compared with 80 % of its timeout."
  }

  assert {
    condition     = alltrue([for name, names in output.rollback_alarm_names : alltrue([for alarm in names : can(regex("^quayside-dev-(function-[a-z-]+|dead-letters)-${name}$", alarm))])])
    error_message = "A deployment would be undone by an alarm of another function."
  }

  # A handler's 500 and a refused message are no errors of the invocation.
  assert {
    condition = alltrue([
      for name, function in jsondecode(file("./catalog.json")).functions : length(setsubtract(
        concat(
          [for kind in ["errors", "throttles", "duration"] : "quayside-dev-function-${kind}-${name}"],
          contains(["http", "default_route"], function.trigger.kind) ? ["quayside-dev-function-server-errors-${name}"] : [],
          function.has_dead_letter_queue ? ["quayside-dev-dead-letters-${name}"] : [],
        ),
        output.rollback_alarm_names[name],
      )) == 0
    ])
    error_message = "A release that answers 500 or refuses its messages would not be rolled back."
  }

  # CodeDeploy takes ten alarms at most.
  assert {
    condition     = alltrue([for names in output.rollback_alarm_names : length(names) <= 10])
    error_message = "A deployment has more alarms than CodeDeploy takes."
  }

  assert {
    condition     = toset(keys(output.rollback_alarm_names)) == toset(keys(jsondecode(file("./catalog.json")).functions))
    error_message = "A function can be deployed without an alarm that undoes it."
  }

  assert {
    condition     = alltrue(flatten([for names in output.rollback_alarm_names : [for name in names : contains(values(output.alarm_names), name)]]))
    error_message = "A deployment names an alarm that does not exist."
  }

  assert {
    condition     = alltrue([for name, filter in aws_cloudwatch_log_metric_filter.this : one(filter.metric_transformation).name == var.alarms[name].metric && one(filter.metric_transformation).namespace == var.alarms[name].namespace])
    error_message = "An alarm on the audit trail observes a metric that no filter creates."
  }

  assert {
    condition     = alltrue([for dashboard in aws_cloudwatch_dashboard.this : length(jsondecode(dashboard.dashboard_body).widgets) > 1 && !strcontains(dashboard.dashboard_body, "$${")])
    error_message = "A dashboard is empty or has a placeholder that nothing fills."
  }

  assert {
    condition     = length(setsubtract(["canary.txt", "dead-letters.txt", "failures.txt", "one-order.txt", "server-errors.txt", "slow-requests.txt", "timeouts.txt"], keys(aws_cloudwatch_query_definition.this))) == 0
    error_message = "A saved query is missing."
  }

  assert {
    condition     = alltrue([for query in aws_cloudwatch_query_definition.this : startswith(query.name, "quayside-dev/") && startswith(query.query_string, "# ")])
    error_message = "A saved query does not say what it shows, or is not found under the environment's name."
  }
}

run "service_levels" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    has_traces = true
  }

  assert {
    condition = { for name, rate in var.burn_rates : name => [rate.factor, rate.long_s / 60, rate.short_s / 60] } == {
      "1h" = [14.4, 60, 5]
      "6h" = [6, 360, 30]
      "1d" = [3, 1440, 120]
      "3d" = [1, 4320, 360]
    }
    error_message = "The windows are not those of the Site Reliability Workbook."
  }

  assert {
    condition     = alltrue([for window in aws_cloudwatch_metric_alarm.window : window.alarm_actions == null])
    error_message = "A window must not notify alone, or every short burst would page."
  }

  assert {
    condition     = length(aws_cloudwatch_composite_alarm.this) == length(var.journeys) * 4
    error_message = "A journey lacks a burn rate."
  }

  assert {
    condition = alltrue([
      for name, alarm in aws_cloudwatch_composite_alarm.this :
      strcontains(alarm.alarm_rule, "ALARM(\"quayside-dev-${name}-errors-long\") AND ALARM(\"quayside-dev-${name}-errors-short\")") &&
      strcontains(alarm.alarm_rule, "ALARM(\"quayside-dev-${name}-slow-long\") AND ALARM(\"quayside-dev-${name}-slow-short\")")
    ])
    error_message = "A burn rate does not need its long and its short window."
  }

  assert {
    condition = alltrue([
      for name, alarm in aws_cloudwatch_composite_alarm.this :
      one(alarm.alarm_actions) == var.topic_arns[endswith(name, "-1h") || endswith(name, "-6h") ? "page" : "ticket"]
    ])
    error_message = "Fast burn rates page, slow ones make tickets."
  }

  assert {
    condition = alltrue([
      for name, journey in var.journeys :
      abs(aws_cloudwatch_metric_alarm.window["burn-rate-${name}-1h-errors-long"].threshold - 0.0144) < 0.000001 &&
      abs(aws_cloudwatch_metric_alarm.window["burn-rate-${name}-1h-slow-long"].threshold - (name == "records" ? 0.144 : 0.72)) < 0.000001
    ])
    error_message = "99.9 % available and 95 % within 500 ms, or 99 % of requests about records, give other limits."
  }

  assert {
    condition = alltrue(flatten([
      for window in aws_cloudwatch_metric_alarm.window : [
        for query in window.metric_query : length(query.metric) == 0 || try(query.metric[0].period * window.evaluation_periods <= 604800 && query.metric[0].period <= 86400, false)
      ]
    ]))
    error_message = "CloudWatch aggregates at most a day and considers at most seven."
  }

  assert {
    condition     = alltrue([for window in aws_cloudwatch_metric_alarm.window : length(window.metric_query) <= 11])
    error_message = "An alarm combines more than ten series."
  }

  assert {
    condition     = alltrue([for name, alarm in aws_cloudwatch_metric_alarm.mean : alarm.threshold == (name == "canary" ? 15000 : 200)])
    error_message = "The mean of a journey is not compared with 200 ms, or that of the canary's run with 15 s."
  }

  assert {
    condition     = toset(keys(aws_xray_group.this)) == setunion(keys(var.journeys), ["faults", "slow"]) && aws_xray_group.this["canary"].filter_expression == "service(\"quayside-dev-canary-order\")"
    error_message = "Traces of faults, of slow requests or of a journey have no group."
  }

  assert {
    condition     = one(aws_xray_group.this["faults"].insights_configuration).notifications_enabled
    error_message = "X-Ray does not report groups of faults."
  }
}

run "no_traces" {
  command = plan

  module {
    source = "./modules/observability"
  }

  assert {
    condition     = length(aws_xray_group.this) == 0
    error_message = "X-Ray has groups of traces that no function records."
  }
}

run "alarms_of_certificates" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    certificates = {
      public   = "arn:aws:acm:eu-west-1:111111111111:certificate/one"
      machines = "arn:aws:acm:eu-west-1:111111111111:certificate/two"
    }
  }

  assert {
    condition     = tomap({ for purpose in keys(var.certificates) : purpose => aws_cloudwatch_metric_alarm.this["certificate-expiry-${purpose}"].dimensions["CertificateArn"] }) == var.certificates
    error_message = "The certificate of a custom domain has no alarm."
  }
}

run "certificate_of_another_region" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    certificates = { public = "arn:aws:acm:us-east-1:111111111111:certificate/one" }
  }

  expect_failures = [var.certificates]
}

run "alarm_without_runbook" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    alarms = { for name, alarm in jsondecode(file("./catalog.json")).alarms : name => merge(alarm, name == "outbox-lag" ? { runbook = "" } : {}) }
  }

  expect_failures = [var.alarms]
}

run "no_resources" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    resources = {}
  }

  expect_failures = [var.resources]
}

run "objective_without_budget" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    journeys = { for name, journey in jsondecode(file("./catalog.json")).journeys : name => merge(journey, { available = 1 }) }
  }

  expect_failures = [var.journeys]
}

run "notifications" {
  command = plan

  module {
    source = "./modules/notifications"
  }

  assert {
    condition     = length(aws_sns_topic_subscription.email) == 4 && length(aws_sns_topic_subscription.pagerduty) == 0
    error_message = "Every address receives pages and tickets."
  }

  assert {
    condition     = contains(one([for statement in jsondecode(aws_kms_key.this.policy).Statement : statement if statement.Sid == "Publishing"]).Principal.Service, "cloudwatch.amazonaws.com")
    error_message = "CloudWatch cannot publish to an encrypted topic without its key."
  }
}

run "pagerduty" {
  command = plan

  module {
    source = "./modules/notifications"
  }

  variables {
    pagerduty_url = "https://events.pagerduty.com/integration/0123456789abcdef/enqueue"
    slack         = { workspace_id = "T0000000", channel_id = "C0000000" }
  }

  assert {
    condition     = length(aws_sns_topic_subscription.pagerduty) == 1 && length(aws_chatbot_slack_channel_configuration.this) == 1
    error_message = "PagerDuty and Slack are not subscribed."
  }
}

run "no_addresses" {
  command = plan

  module {
    source = "./modules/notifications"
  }

  variables {
    emails = []
  }

  expect_failures = [var.emails]
}

run "plain_pagerduty_url" {
  command = plan

  module {
    source = "./modules/notifications"
  }

  variables {
    pagerduty_url = "http://events.pagerduty.com/integration/0123456789abcdef/enqueue"
  }

  expect_failures = [var.pagerduty_url]
}

run "log_archive" {
  command = plan

  module {
    source = "./modules/log-archive"
  }

  assert {
    condition     = output.settings.retention_days == 365
    error_message = "Logs are not kept for a year."
  }

  assert {
    condition     = [for days in output.settings.tier_days : days] == [30, 90]
    error_message = "Logs do not move to cheaper tiers."
  }

  assert {
    condition     = toset(keys(aws_cloudwatch_log_subscription_filter.this)) == toset(keys(var.log_groups))
    error_message = "A log group is not archived."
  }

  assert {
    condition     = output.settings.name == "quayside-dev-logs-111111111111" && output.settings.key_arn == var.key_arn
    error_message = "The archive is another bucket, or has another key."
  }

  assert {
    condition     = aws_kinesis_firehose_delivery_stream.this.extended_s3_configuration[0].buffering_interval == 900
    error_message = "Log lines arrive in small objects, whose puts cost more than their storage."
  }
}

run "archive_of_a_week" {
  command = plan

  module {
    source = "./modules/log-archive"
  }

  variables {
    retention_days = 7
  }

  expect_failures = [var.retention_days]
}

run "trail" {
  command = plan

  module {
    source = "./modules/trail"
  }

  assert {
    condition     = aws_cloudtrail.this.is_multi_region_trail && aws_cloudtrail.this.enable_log_file_validation && aws_cloudtrail.this.enable_logging
    error_message = "The trail misses regions, or its files could be changed unnoticed."
  }

  assert {
    condition     = one([for statement in jsondecode(output.settings.policy).Statement : statement if statement.Sid == "TrailWrites"]).Condition.StringEquals["aws:SourceArn"] == "arn:aws:cloudtrail:eu-west-1:111111111111:trail/quayside-dev-audit"
    error_message = "Another account's trail could write to the bucket."
  }
}
