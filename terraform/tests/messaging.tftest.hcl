# Rules of queues, topics, rules and schedules, for every row of the catalog.
# Run with -var-file=envs/prod/terraform.tfvars.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

mock_provider "aws" {
  alias           = "global"
  source          = "./tests/mocks"
  override_during = plan
}

mock_provider "aws" {
  alias           = "standby"
  source          = "./tests/mocks"
  override_during = plan
}

override_resource {
  target          = module.keys.aws_kms_key.this["queues"]
  override_during = plan
  values          = { arn = "arn:aws:kms:eu-west-1:222222222222:key/queues" }
}

override_resource {
  target          = module.keys.aws_kms_key.this["topics"]
  override_during = plan
  values          = { arn = "arn:aws:kms:eu-west-1:222222222222:key/topics" }
}

run "messaging" {
  command = plan

  assert {
    condition = alltrue([
      for name, function in local.functions : try(module.messaging.settings.queues[name].visibility_s, 0) >= 6 * function.timeout_s
      if function.has_queue
    ])
    error_message = "A queue hides a message for less than six timeouts of its function: it would be delivered twice while it is processed."
  }

  assert {
    condition     = alltrue([for queue in values(module.messaging.settings.queues) : queue.redrive.maxReceiveCount == local.catalog.max_receives])
    error_message = "A queue does not dead-letter after the catalog's max_receives."
  }

  assert {
    condition = local.catalog.max_receives <= 1000 && alltrue([
      for queue in values(module.messaging.settings.queues) : queue.visibility_s * local.catalog.max_receives >= 86400
    ])
    error_message = "A queue uses up its deliveries within a day in which its function does not start."
  }

  assert {
    condition = alltrue([
      for name, queue in module.messaging.settings.queues : queue.redrive.deadLetterTargetArn == module.messaging.dead_letter_queue_arns[name]
    ])
    error_message = "A queue dead-letters to the queue of another function."
  }

  assert {
    condition = alltrue([
      for name, queue in module.messaging.settings.queues :
      module.messaging.settings.dead_letter_queues[name].retention_s > queue.retention_s
    ])
    error_message = "A dead-letter queue keeps messages for no longer than its source: they would expire soon after they were dead-lettered."
  }

  assert {
    condition     = toset(keys(module.messaging.queue_arns)) == toset([for name, function in local.functions : name if function.has_queue])
    error_message = "The queues are not those of the catalog's consumers."
  }

  assert {
    condition = alltrue([
      for queue in concat(values(module.messaging.settings.queues), values(module.messaging.settings.dead_letter_queues)) : anytrue([
        for statement in queue.policy.Statement :
        statement.Effect == "Deny" && statement.Principal == "*" && statement.Action == "sqs:*" && try(statement.Condition.Bool["aws:SecureTransport"] == "false", false)
      ])
    ])
    error_message = "The policy of a queue does not refuse plain HTTP."
  }

  assert {
    condition = alltrue([
      for queue in concat(values(module.messaging.settings.queues), values(module.messaging.settings.dead_letter_queues)) : alltrue([
        for statement in queue.policy.Statement :
        length(flatten([statement.Condition.ArnEquals["aws:SourceArn"]])) > 0 && !strcontains(jsonencode(statement.Condition), "*")
        if statement.Effect == "Allow"
      ])
    ])
    error_message = "The policy of a queue lets a service send without naming the rule or the topic."
  }

  assert {
    condition = alltrue([
      for name, queue in module.messaging.settings.queues : length([for statement in queue.policy.Statement : statement if statement.Effect == "Allow"]) == 1
    ])
    error_message = "A queue has no sender, or more than one."
  }

  assert {
    condition = alltrue([
      for queue in concat(values(module.messaging.settings.queues), values(module.messaging.settings.dead_letter_queues)) : queue.key == module.keys.arns["queues"]
    ])
    error_message = "A queue is not encrypted with the key of the queues."
  }

  assert {
    condition = alltrue([
      for name, queue in module.messaging.settings.dead_letter_queues : (
        contains(keys(module.messaging.queue_arns), name)
        ? try(queue.redrive_allow.sourceQueueArns == [module.messaging.queue_arns[name]], false)
        : queue.redrive_allow.redrivePermission == "denyAll"
      )
    ])
    error_message = "A dead-letter queue takes messages of a queue that is not its own."
  }

  assert {
    condition = alltrue([
      for target in values(module.messaging.settings.targets) : target.dead_letter == module.messaging.dead_letter_queue_arns[local.catalog.queues.undelivered]
    ])
    error_message = "A target of a rule or a schedule has no dead-letter queue: what it cannot deliver would be lost."
  }

  assert {
    condition = alltrue([
      for target in values(module.messaging.settings.targets) :
      try(target.retries > 0 && target.retries <= 185 && target.age_s >= 3600 && target.age_s <= 86400, false)
    ])
    error_message = "A target has no retry policy of its own: the defaults differ by target, and an outage of an hour must not lose events."
  }

  assert {
    condition = alltrue([
      for name, function in local.functions : (
        module.messaging.settings.rules[name] == function.trigger.pattern &&
        module.messaging.settings.targets[name].arn == module.messaging.queue_arns[name]
      ) if contains(["bus", "all_events"], function.trigger.kind)
    ])
    error_message = "A consumer of the bus has no rule with the catalog's pattern to its own queue."
  }

  assert {
    condition = alltrue(flatten([
      for function in values(local.functions) : [
        for event in function.consumes : anytrue([for publisher in values(local.functions) : contains(publisher.publishes, event)])
      ]
    ]))
    error_message = "A function waits for an event that no function publishes."
  }

  assert {
    condition = alltrue(flatten([
      for function in values(local.functions) : [
        for event in function.trigger.filter : contains(local.catalog.topics[function.trigger.topic].pattern["detail-type"], event)
      ] if function.trigger.kind == "fanout"
    ]))
    error_message = "A subscription filters for an event that does not reach its topic."
  }

  assert {
    condition = alltrue([
      for name, topic in local.catalog.topics : (
        module.messaging.settings.rules[name] == topic.pattern && module.messaging.settings.targets[name].arn == module.messaging.topic_arns[name]
      ) if topic.source == "bus"
    ])
    error_message = "A topic of the bus has no rule with the catalog's pattern."
  }

  assert {
    condition = alltrue([
      for name, function in local.functions : (
        module.messaging.settings.subscriptions[name].raw &&
        try(module.messaging.settings.subscriptions[name].filter["detail-type"], null) == try(function.trigger.filter, null) &&
        module.messaging.settings.subscriptions[name].dead_letter == module.messaging.dead_letter_queue_arns[local.catalog.queues.undelivered]
      ) if contains(["fanout", "external_topic"], function.trigger.kind)
    ])
    error_message = "A subscription is not raw, has not the catalog's filter, or has no dead-letter queue."
  }

  assert {
    condition = alltrue([
      for topic in values(module.messaging.settings.topics) : topic.key == module.keys.arns["topics"] && anytrue([
        for statement in topic.policy.Statement : statement.Effect == "Deny" && try(statement.Condition.Bool["aws:SecureTransport"] == "false", false)
      ])
    ])
    error_message = "A topic is not encrypted with the key of the topics, or its policy does not refuse plain HTTP."
  }

  assert {
    condition = alltrue([
      for topic in values(module.messaging.settings.topics) : alltrue([
        for statement in topic.policy.Statement : try(statement.Principal.Service, "*") != "*" && can(statement.Condition) if statement.Effect == "Allow"
      ])
    ])
    error_message = "A topic lets anyone but its rule, or SES of this account, publish."
  }

  assert {
    condition = alltrue([
      for name, function in local.functions : (
        module.messaging.settings.schedules[name].expression == function.trigger.expression &&
        module.messaging.settings.schedules[name].qualifier == local.catalog.deployment.alias &&
        module.messaging.settings.targets[name].arn == module.function[name].alias_arn
      ) if function.trigger.kind == "schedule"
    ])
    error_message = "A schedule does not invoke the alias of its function, or not at the catalog's interval."
  }

  assert {
    condition = length(setsubtract(
      [for name, function in { for name, function in local.functions : name => function if function.trigger.kind == "schedule" } : name if function.timeout_s > function.trigger.minutes * 60],
      ["outbox-sweep", "product-export-run", "product-import-run"]
    )) == 0
    error_message = "A scheduled function may still run when its next invocation starts: only one that claims what it works on may."
  }

  assert {
    condition     = module.messaging.settings.bus.archived_bus_arn == module.messaging.bus_arn && module.messaging.settings.bus.archive_retention_days >= 14
    error_message = "The event bus has no archive that reaches as far back as the dead-letter queues."
  }

  assert {
    condition     = module.email.settings.identity == split("@", var.email_from)[1]
    error_message = "SES verifies something else than the sender's domain, and has no DKIM records to publish."
  }

  assert {
    condition     = module.email.settings.tls_policy == "REQUIRE"
    error_message = "E-mail may leave without TLS."
  }

  assert {
    condition     = toset(module.email.settings.feedback_topics) == toset([for name, topic in local.catalog.topics : name if topic.source == "email"])
    error_message = "Bounces and complaints do not reach the topics of the catalog."
  }
}

run "wrong_variables_are_refused" {
  command = plan

  variables {
    event_archive_days   = 0
    push_application_arn = "quayside"
  }

  expect_failures = [var.event_archive_days, var.push_application_arn]
}
