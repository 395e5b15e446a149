# Rules of functions and event source mappings, for every row of the catalog. Run with -var-file=envs/prod/terraform.tfvars.

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

run "functions" {
  command = plan

  variables {
    push_application_arn = "arn:aws:sns:eu-west-1:222222222222:app/GCM/quayside"
  }

  assert {
    condition = alltrue([
      for name, function in module.function : function.log_group_name == "/aws/lambda/${function.function_name}" && function.log_retention_days > 0
    ])
    error_message = "A function has no log group with a retention period: Lambda would create one that keeps logs for ever."
  }

  assert {
    condition = alltrue([
      for function in values(module.function) : function.settings.tracing == "PassThrough" && function.settings.environment["TRACE_SHARE"] == tostring(local.catalog.sampling.rate)
    ])
    error_message = "Lambda would record most requests of prod in X-Ray, or the spans of all are logged."
  }

  assert {
    condition     = alltrue([for function in values(module.function) : function.alias_name == local.catalog.deployment.alias])
    error_message = "A function lacks the alias that deployments move."
  }

  assert {
    condition     = alltrue([for function in values(module.function) : function.settings.permissions_boundary == module.boundary.arn])
    error_message = "A function's role has no boundary, so that no deployment could create it."
  }

  assert {
    condition = alltrue([
      for name in ["user-login", "token-refresh", "totp-remove"] : module.function[name].settings.environment.MFA_REQUIRED_ROLES == "staff,admin"
    ])
    error_message = "A function that asks for the second factor does not know of whom."
  }

  assert {
    condition     = length(distinct([for function in values(module.function) : function.role_name])) == length(local.functions)
    error_message = "Two functions share a role."
  }

  assert {
    condition = alltrue([
      for name, function in local.functions :
      module.function[name].settings.memory_mb == function.memory_mb && module.function[name].settings.timeout_s == function.timeout_s
    ])
    error_message = "Memory or timeout of a function differ from its row."
  }

  assert {
    condition = alltrue([
      for name, function in local.functions : module.function[name].settings.in_network == function.needs_network
    ])
    error_message = "A function that uses the database, the cache or Kafka is outside the VPC, or one that does not is inside."
  }

  assert {
    condition = alltrue([
      for name, function in local.functions : toset(keys(module.function[name].settings.environment)) == toset(concat(
        keys(function.environment), ["LOG_LEVEL", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_SERVICE_NAME", "STAGE", "TRACE_SHARE"]
      ))
    ])
    error_message = "A function has not exactly the environment variables of its row."
  }

  assert {
    condition = alltrue([
      for name, function in module.function : alltrue([
        for variable, value in function.settings.environment : value == "" if can(regex("PASSWORD", variable))
      ])
    ])
    error_message = "A function has a password in its environment; the database's roles log in with IAM tokens."
  }

  assert {
    condition = alltrue([
      for function in values(module.function) : startswith(function.settings.environment["REDIS_URL"], "rediss://")
      if contains(keys(function.settings.environment), "REDIS_URL")
    ])
    error_message = "A function reaches the cache without TLS."
  }

  assert {
    condition = alltrue([
      for name, function in module.function :
      function.settings.environment["RATE_LIMITS"] == local.catalog.api.rate_limits && (
        !startswith(local.catalog.functions[name].trigger.throttle, "public_") || contains(keys(function.settings.environment), "ORIGIN_SECRET")
      )
      if contains(keys(function.settings.environment), "RATE_LIMITS")
    ])
    error_message = "A route has other limits of clients than the catalog says, or a public one cannot tell the viewers of an edge location apart."
  }

  assert {
    condition = alltrue([
      for name, function in local.functions :
      contains([function.context, "${function.context}_reader", "probe", "recorder"], function.environment["DATABASE_USER"].name)
      if function.uses_database && try(function.environment["DATABASE_USER"].name, "") != try(local.catalog.database.owner, "quayside_owner")
    ])
    error_message = "A function logs in to the database with the role of another context."
  }

  assert {
    condition = sum([for function in values(local.functions) : function.concurrency if function.uses_database]) <= (
      module.database.proxy_connections
    )
    error_message = "Functions that use the database may run more copies than the proxy has connections: raise database.max_connections, or lower concurrency in shared/catalog."
  }

  assert {
    condition = alltrue([
      for name, function in local.functions :
      module.function[name].settings.reserved_concurrency == coalesce(function.reserved_concurrency, -1)
    ])
    error_message = "The reserved concurrency of a function differs from its row."
  }

  assert {
    condition = alltrue([
      for name, function in local.functions : (
        function.reserved_concurrency != null || function.trigger.kind == "schedule" || function.trigger.kind == "operator" ||
        (length(function.mappings) > 0 && alltrue([for mapping in function.mappings : mapping.maximum_concurrency != null || mapping.source != "queue"]))
      ) if function.uses_database
    ])
    error_message = "Nothing bounds the copies of a function that uses the database."
  }

  assert {
    condition = sum([for function in values(module.function) : max(function.settings.reserved_concurrency, 0)]) <= (
      var.account_concurrency - 100
    )
    error_message = "Lambda keeps 100 of the account's concurrency unreserved: request a higher quota and set account_concurrency, or reserve less."
  }

  assert {
    condition = alltrue([
      for name, function in local.functions : function.provisioned_concurrency <= coalesce(function.reserved_concurrency, 1000)
    ])
    error_message = "A function provisions more copies than it reserves."
  }

  assert {
    condition = alltrue([
      for name, function in local.functions : (module.function[name].settings.asynchronous != null) == contains(["schedule", "objects"], function.trigger.kind)
    ])
    error_message = "Invocations by a schedule have no maximum age: an old one would run beside the next."
  }

  assert {
    condition = alltrue(flatten([
      for name, function in module.function : [
        for statement in jsondecode(function.policy).Statement : !strcontains(join(" ", flatten([statement.Action])), "*")
      ]
    ]))
    error_message = "A policy allows actions by wildcard."
  }

  assert {
    condition = alltrue(flatten([
      for name, function in module.function : [
        for statement in jsondecode(function.policy).Statement : anytrue([
          for number, grant in local.functions[name].grants : statement.Sid == "${grant.sid}${number}" && grant.wildcard_reason != null && grant.wildcard_reason != ""
        ])
        if can(statement.NotResource) || try(contains(statement.Resource, "*"), false)
      ]
    ]))
    error_message = "A policy has the resource * without a reason in the catalog."
  }

  assert {
    condition = alltrue([
      for name, function in module.function :
      length(distinct([for statement in jsondecode(function.policy).Statement : statement.Sid])) == length(jsondecode(function.policy).Statement)
    ])
    error_message = "Two statements of a policy have the same id."
  }

  assert {
    condition     = alltrue([for function in values(module.function) : alltrue([for statement in jsondecode(function.policy).Statement : statement.Effect == "Allow"])])
    error_message = "A policy of a function has a statement that does not allow."
  }

  assert {
    condition = alltrue([
      for name, secret in local.catalog.secrets : secret.rotated_by == null || anytrue([
        for grant in try(local.functions[secret.rotated_by].grants, []) : contains(grant.actions, "secretsmanager:PutSecretValue") && contains(grant.on.names, name)
      ])
    ])
    error_message = "A function that is to replace a secret may not write it."
  }

  # Each variable that names a resource belongs to a statement that allows its use, or the function could not use it.
  assert {
    condition = alltrue(flatten([
      for name, function in local.functions : [
        for variable, setting in function.environment : anytrue([
          for grant in function.grants : (
            (grant.on.kind == setting.kind || contains(["bucket", "objects"], grant.on.kind) && setting.kind == "bucket") && contains(grant.on.names, setting.name)
          )
        ]) if contains(["table", "stream", "bucket", "secret", "bus", "queue", "dead_letter_queue"], setting.kind)
      ]
    ]))
    error_message = "A function is told of a resource that its policy does not let it use."
  }

  assert {
    condition = alltrue(flatten([
      for name, function in local.functions : [
        for grant in function.grants : alltrue([for other in grant.on.names : other == name])
        if contains(["queue", "dead_letter_queue", "logs"], grant.on.kind)
      ] if !contains(["dead-letter-list", "event-replay", "queue-list", "queue-redrive"], name)
    ]))
    error_message = "A function may use the queue or the log of another one, and is none that operators look at queues with."
  }

  assert {
    condition = alltrue([
      for name in ["consumer-state-update", "dead-letter-list", "event-replay", "queue-list", "queue-redrive"] :
      local.functions[name].trigger.roles == ["admin"]
    ])
    error_message = "Others than admins may look at queues, or pause a consumer."
  }

  assert {
    condition = alltrue([
      for name, function in module.function : alltrue([
        for statement in jsondecode(function.policy).Statement : (
          name == "consumer-state-update" && statement.Condition == { ArnLike = { "lambda:FunctionArn" = ["${local.functions_arn}*"] } }
        ) if contains(flatten([statement.Action]), "lambda:UpdateEventSourceMapping")
      ])
    ])
    error_message = "A function may change event source mappings, and is not what operators pause consumers with, or may change those of others."
  }

  assert {
    condition = alltrue(flatten([
      for name, function in local.functions : [
        for grant in function.grants : alltrue([for table in grant.on.names : local.catalog.tables[table].context == function.context])
        if contains(["index", "table"], grant.on.kind)
      ]
    ]))
    error_message = "A function may use a table of another context."
  }

  assert {
    condition     = alltrue([for function in values(module.function) : length(function.policy) <= 10240])
    error_message = "A policy exceeds the 10 240 characters that a role's inline policies may have."
  }

  assert {
    condition     = length(module.consumer) == sum([for function in values(local.functions) : length(function.mappings)])
    error_message = "A mapping of the catalog is missing."
  }

  assert {
    condition = alltrue([
      for key, mapping in local.mappings : (
        try(module.consumer[key].settings.retries >= 0 && module.consumer[key].settings.retries <= 10000, false) &&
        try(module.consumer[key].settings.age_s >= 60 && module.consumer[key].settings.age_s <= 86400, false)
      ) if contains(["stream", "table_changes"], mapping.source)
    ])
    error_message = "The mapping of a stream retries for ever, or for longer than the stream keeps its records."
  }

  assert {
    condition = alltrue([
      for key, mapping in local.mappings : module.consumer[key].settings.bisects == true if contains(["stream", "table_changes"], mapping.source)
    ])
    error_message = "The mapping of a stream does not bisect a failed batch: one bad record would hold up a hundred."
  }

  assert {
    condition = alltrue([
      for key, mapping in local.mappings : contains(module.consumer[key].settings.response_types, "ReportBatchItemFailures") if mapping.source != "kafka"
    ])
    error_message = "A mapping does not take ReportBatchItemFailures: one failed record would repeat its whole batch."
  }

  assert {
    condition = alltrue([
      for key, mapping in local.mappings : module.consumer[key].settings.on_failure_arn == module.messaging.dead_letter_queue_arns[mapping.function]
      if mapping.source != "queue"
    ])
    error_message = "A mapping of a stream or of Kafka has no on-failure destination of its function."
  }

  assert {
    condition = alltrue([
      for key, mapping in local.mappings : module.consumer[key].settings.maximum_concurrency == local.functions[mapping.function].concurrency
      if mapping.source == "queue" && local.functions[mapping.function].concurrency >= 2
    ])
    error_message = "The mapping of a queue does not limit the concurrency of its function."
  }

  assert {
    condition = alltrue([
      for key, mapping in local.mappings :
      module.consumer[key].settings.window_s + local.functions[mapping.function].timeout_s <= local.functions[mapping.function].visibility_s
      if mapping.source == "queue"
    ])
    error_message = "A batching window and the timeout together exceed the visibility timeout of the queue."
  }

  assert {
    condition = alltrue([
      for topic in keys(local.catalog.kafka_topics) : (
        (length(local.catalog.kafka_topics[topic].producers) > 0 && length(local.catalog.kafka_topics[topic].consumers) > 0) ||
        try(local.catalog.kafka_topics[topic].external, false)
      )
    ])
    error_message = "A Kafka topic has no producer or no consumer, and is not marked as external."
  }

  assert {
    condition = alltrue(flatten([
      for topic, row in local.catalog.kafka_topics : [
        for consumer in row.consumers : try(contains(module.consumer["${consumer}/${topic}"].settings.topics, topic), false)
      ]
    ]))
    error_message = "A consumer of a Kafka topic has no mapping to it."
  }

  assert {
    condition = length(distinct([for consumer in values(module.consumer) : consumer.settings.consumer_group if consumer.settings.consumer_group != null])) == (
      length([for mapping in values(local.mappings) : mapping if mapping.source == "kafka"])
    )
    error_message = "Two mappings share a Kafka consumer group, or one has none: each would get a part of the records."
  }

  assert {
    condition = alltrue(flatten([
      for topic, row in local.catalog.kafka_topics : [
        for producer in row.producers : anytrue([
          for grant in local.functions[producer].grants : contains(grant.actions, "kafka-cluster:WriteData") && contains(grant.on.names, topic)
        ])
      ]
    ]))
    error_message = "A producer of a Kafka topic may not write to it."
  }
}

run "wrong_variables_are_refused" {
  command = plan

  variables {
    release             = "../other"
    reserve_concurrency = false
    account_concurrency = 0
    gateway_url         = "http://gateway.example"
    shortfall_policy    = "ignore"
    log_level           = "verbose"
    email_from          = "orders"
    rate_limits         = { all = 10000, anonymous_writes = 5 }
    runbook_url         = "http://wiki.example"
    service_budgets_usd = { "AWS Lambda" = 0 }
  }

  expect_failures = [
    var.release, var.reserve_concurrency, var.account_concurrency, var.gateway_url, var.shortfall_policy, var.log_level,
    var.email_from, var.rate_limits, var.runbook_url, var.service_budgets_usd,
  ]
}
