variable "artifact_bucket" {
  description = "Bucket of the functions' packages. Null: the environment's own."
  type        = string
  default     = null
}

variable "release" {
  description = "Release of the functions: the packages are <release>/<function>.zip in the artifact bucket."
  type        = string
  default     = "initial"

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9._-]*$", var.release))
    error_message = "release must be the prefix under which the packages were uploaded, such as the commit: letters, digits, dots, dashes and underscores."
  }
}

variable "architecture" {
  description = "Instruction set of the functions: arm64, or x86_64 for packages that scripts/build made without --arm64."
  type        = string
  default     = "arm64"
}

variable "log_level" {
  description = "Lowest level that functions log."
  type        = string
  default     = "info"

  validation {
    condition     = contains(["trace", "debug", "info", "warn", "error"], var.log_level)
    error_message = "log_level must be trace, debug, info, warn or error."
  }
}

variable "reserve_concurrency" {
  description = "Reserve the catalog's concurrency of functions that requests invoke. New accounts have too little to reserve."
  type        = bool
  default     = false

  validation {
    condition     = var.environment != "prod" || var.reserve_concurrency
    error_message = "In prod nothing else bounds the database connections of requests: set reserve_concurrency = true, and request the account's quota first (scripts/doctor prints it)."
  }
}

variable "account_concurrency" {
  description = "Concurrent executions that the account's quota allows in the region."
  type        = number
  default     = 1000

  validation {
    condition     = var.account_concurrency >= 1
    error_message = "account_concurrency must be the account's quota of concurrent executions: see Service Quotas, Lambda."
  }
}

variable "gateway_url" {
  description = "Base URL of the payment gateway."
  type        = string
  default     = "https://api.stripe.com"

  validation {
    condition     = startswith(var.gateway_url, "https://")
    error_message = "gateway_url must begin with https://: card payments do not travel in plain text."
  }
}

variable "invoice_time_zone" {
  description = "IANA time zone in which invoices are dated, such as Europe/Berlin."
  type        = string
  default     = "UTC"

  validation {
    condition     = can(regex("^[A-Za-z_]+(/[A-Za-z0-9_+-]+)*$", var.invoice_time_zone))
    error_message = "invoice_time_zone must be a name of the IANA database, such as Europe/Berlin."
  }
}

variable "invoice_year_begins" {
  description = "First day of a series of invoices, as MM-DD."
  type        = string
  default     = "01-01"

  validation {
    condition     = can(regex("^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$", var.invoice_year_begins))
    error_message = "invoice_year_begins must be a day as MM-DD, such as 01-01."
  }
}

variable "mfa_required_roles" {
  description = "Roles that need a second factor, which is asked for at logins and refreshes."
  type        = list(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.mfa_required_roles, ["customer", "staff", "admin"])) == 0
    error_message = "mfa_required_roles must be customer, staff or admin."
  }
}

variable "max_failed_attempts" {
  description = "Payment attempts of a customer in an hour that may fail."
  type        = number
  default     = 10

  validation {
    condition     = var.max_failed_attempts >= 1 && floor(var.max_failed_attempts) == var.max_failed_attempts
    error_message = "max_failed_attempts must be a whole number from 1."
  }
}

variable "refund_limit" {
  description = "Amount above which a refund of a payment by staff needs a second person, in units of its currency."
  type        = number
  default     = 500

  validation {
    condition     = var.refund_limit >= 1 && var.refund_limit <= 999999999 && floor(var.refund_limit) == var.refund_limit
    error_message = "refund_limit must be a whole number from 1 to 999999999."
  }
}

variable "max_order_lines" {
  description = "Lines that an order may have, at most 100."
  type        = number
  default     = 100

  validation {
    condition     = var.max_order_lines >= 1 && var.max_order_lines <= 100 && floor(var.max_order_lines) == var.max_order_lines
    error_message = "max_order_lines must be a whole number from 1 to 100."
  }
}

variable "max_unpaid_orders" {
  description = "Open orders that a customer may have without paying."
  type        = number
  default     = 20

  validation {
    condition     = var.max_unpaid_orders >= 1 && floor(var.max_unpaid_orders) == var.max_unpaid_orders
    error_message = "max_unpaid_orders must be a whole number from 1."
  }
}

variable "max_unpaid_units" {
  description = "Units in the unpaid open orders of a customer."
  type        = number
  default     = 1000

  validation {
    condition     = var.max_unpaid_units >= 1 && floor(var.max_unpaid_units) == var.max_unpaid_units
    error_message = "max_unpaid_units must be a whole number from 1."
  }
}

variable "max_delayed_orders" {
  description = "Orders that wait for stock or payment for over five minutes, from which on no order is accepted."
  type        = number
  default     = 500

  validation {
    condition     = var.max_delayed_orders >= 1 && floor(var.max_delayed_orders) == var.max_delayed_orders
    error_message = "max_delayed_orders must be a whole number from 1."
  }
}

variable "webhook_ports" {
  description = "Ports that outbound webhooks are sent to besides 443. The security group of the functions lets out 443 alone: add a rule for each."
  type        = set(number)
  default     = []

  validation {
    condition     = alltrue([for port in var.webhook_ports : port >= 1 && port <= 65535 && floor(port) == port])
    error_message = "webhook_ports must be ports from 1 to 65535."
  }
}

variable "invoice_seller" {
  description = "Name, address and tax number of the seller on invoices: lines separated by |."
  type        = string
  default     = "Quayside Ltd|1 Harbour Way|Dublin D01 X2X2|Ireland|VAT IE1234567T"

  validation {
    condition     = can(regex("^[^|]{1,60}([|][^|]{1,60}){0,7}$", var.invoice_seller))
    error_message = "invoice_seller must have 1 to 8 lines of 1 to 60 characters, separated by |."
  }
}

variable "shipping_methods" {
  description = "Shipping methods with prices in minor units, such as standard:free;express:EUR:1290,USD:1500. The first is the default."
  type        = string
  default     = "standard:free"

  validation {
    condition     = can(regex("^[a-z0-9-]+:(free|[A-Z]{3}:[0-9]+(,[A-Z]{3}:[0-9]+)*)(;[a-z0-9-]+:(free|[A-Z]{3}:[0-9]+(,[A-Z]{3}:[0-9]+)*))*$", var.shipping_methods))
    error_message = "shipping_methods must be NAME:free or NAME:CURRENCY:AMOUNT,..., separated by semicolons."
  }
}

variable "tax_rates" {
  description = "Tax rates by country or region, such as DE:included:19,books:7;US-NY:added:8.875. Empty: no tax."
  type        = string
  default     = ""

  validation {
    condition     = var.tax_rates == "" || can(regex("^[A-Z]{2}(-[A-Z0-9]{1,3})?:(included|added):[0-9.]+(,[a-z0-9-]+:[0-9.]+)*(;[A-Z]{2}(-[A-Z0-9]{1,3})?:(included|added):[0-9.]+(,[a-z0-9-]+:[0-9.]+)*)*$", var.tax_rates))
    error_message = "tax_rates must be AREA:included:RATE or AREA:added:RATE with CATEGORY:RATE after commas, separated by semicolons."
  }
}

variable "tax_rounding" {
  description = "How the tax of a line is rounded to the minor unit: half_up or half_even."
  type        = string
  default     = "half_up"

  validation {
    condition     = contains(["half_up", "half_even"], var.tax_rounding)
    error_message = "tax_rounding must be half_up or half_even."
  }
}

variable "sms_countries" {
  description = "Calling codes that text messages go to, separated by commas; ! excepts numbers that begin so. Null: those of the catalog."
  type        = string
  default     = null

  validation {
    condition     = var.sms_countries == null || can(regex("^!?[1-9][0-9]{0,6}(,!?[1-9][0-9]{0,6})*$", var.sms_countries))
    error_message = "sms_countries must be calling codes separated by commas, such as 1,!1876,49."
  }
}

variable "message_quotas" {
  description = "Messages in a day: text messages about orders, and messages with a token, for each customer and for each address."
  type        = object({ sms_per_customer = number, sms_per_address = number, verifications_per_customer = number, verifications_per_address = number })
  default     = { sms_per_customer = 20, sms_per_address = 20, verifications_per_customer = 5, verifications_per_address = 5 }

  validation {
    condition     = alltrue([for quota in values(var.message_quotas) : quota >= 1 && quota <= 3600 && floor(quota) == quota])
    error_message = "Every value of message_quotas must be a whole number from 1 to 3600."
  }
}

variable "client_rate_limits" {
  description = "Requests of a client in a minute and in a day, by class of route, such as read:1200,200000;write:600,100000. Null: those of the catalog."
  type        = string
  default     = null

  validation {
    condition     = var.client_rate_limits == null || can(regex("^[a-z_]+:[1-9][0-9]{0,6},[1-9][0-9]{0,6}(;[a-z_]+:[1-9][0-9]{0,6},[1-9][0-9]{0,6})*$", var.client_rate_limits))
    error_message = "client_rate_limits must be CLASS:MINUTE,DAY, separated by semicolons, for each of public_read, public_write, read and write."
  }
}

variable "max_registrations_per_source" {
  description = "Registrations from one IPv4 address or IPv6 network (/64) in an hour, from 1 to 3600."
  type        = number
  default     = 20

  validation {
    condition     = var.max_registrations_per_source >= 1 && var.max_registrations_per_source <= 3600 && floor(var.max_registrations_per_source) == var.max_registrations_per_source
    error_message = "max_registrations_per_source must be a whole number from 1 to 3600."
  }
}

variable "record_backlog" {
  description = "Records that may wait to be written before no more are accepted."
  type        = number
  default     = 200000

  validation {
    condition     = var.record_backlog >= 1 && floor(var.record_backlog) == var.record_backlog
    error_message = "record_backlog must be a positive whole number."
  }
}

variable "shortfall_policy" {
  description = "What happens to a paid order without stock: refund, backorder or review."
  type        = string
  default     = "refund"

  validation {
    condition     = contains(["refund", "backorder", "review"], var.shortfall_policy)
    error_message = "shortfall_policy must be refund, backorder or review."
  }
}

variable "code_signing_config_arn" {
  description = "Code signing configuration that packages must satisfy. Null: packages are not signed."
  type        = string
  default     = null
}

locals {
  artifact_bucket = coalesce(var.artifact_bucket, module.artifacts.bucket)

  arn = "arn:${local.arn_scope.partition}:%s:${local.arn_scope.region}:${local.arn_scope.account_id}:%s"

  # Values of deployment inputs, which the catalog names as template.yaml does. Passwords are empty: roles log in with IAM tokens.
  # The Kafka cluster admits IAM alone, too, with certificates of a public authority.
  inputs = {
    DatabaseHost          = module.database.proxy_endpoint
    DatabasePort          = tostring(module.database.port)
    DatabaseName          = module.database.database_name
    DatabasePassword      = ""
    DatabaseOwnerPassword = ""
    RedisUrl              = module.cache.url
    RedisIamCache         = module.cache.name
    RateLimits            = coalesce(var.client_rate_limits, local.catalog.api.rate_limits)
    KafkaBrokers          = module.kafka.bootstrap_brokers
    KafkaAuth             = "iam"
    KafkaLoginSecretArn   = ""
    KafkaCa               = ""
    GatewayUrl            = var.gateway_url
    EmailFrom             = var.email_from
    PushApplicationArn    = var.push_application_arn
    ShortfallPolicy       = var.shortfall_policy
    CorsOrigins           = join(",", var.cors_origins)
    MfaRequiredRoles      = join(",", var.mfa_required_roles)
    MaxFailedAttempts     = tostring(var.max_failed_attempts)
    RefundLimit           = tostring(var.refund_limit)
    MaxDelayedOrders      = tostring(var.max_delayed_orders)
    MaxOrderLines         = tostring(var.max_order_lines)
    MaxUnpaidOrders       = tostring(var.max_unpaid_orders)
    MaxUnpaidUnits        = tostring(var.max_unpaid_units)
    ShippingMethods       = var.shipping_methods
    TaxRates              = var.tax_rates
    TaxRounding           = var.tax_rounding
    SmsCountries          = coalesce(var.sms_countries, local.catalog.sms_countries)
    MaxSmsPerCustomer     = tostring(var.message_quotas.sms_per_customer)
    MaxSmsPerAddress      = tostring(var.message_quotas.sms_per_address)
    WebhookPorts          = join(",", [for port in var.webhook_ports : tostring(port)])
    WebhookLocalOrigin    = ""
    InvoiceSeller         = var.invoice_seller
    InvoiceTimeZone       = var.invoice_time_zone
    InvoiceYearBegins     = var.invoice_year_begins

    MaxVerificationsPerCustomer = tostring(var.message_quotas.verifications_per_customer)
    MaxVerificationsPerAddress  = tostring(var.message_quotas.verifications_per_address)
    RecordBacklog               = tostring(var.record_backlog)
    MaxRegistrationsPerSource   = tostring(var.max_registrations_per_source)
  }

  # What an environment variable refers to, by the catalog's kind and name.
  settings = {
    input                   = local.inputs
    table                   = module.tables.names
    stream                  = module.kinesis.names
    bucket                  = module.buckets.names
    secret                  = module.secrets.arns
    bus                     = { (local.catalog.bus) = module.messaging.bus_name }
    queue                   = module.messaging.queue_urls
    dead_letter_queue       = module.messaging.dead_letter_queue_urls
    queues_url              = { "" = "https://sqs.${var.region}.${startswith(var.region, "cn-") ? "amazonaws.com.cn" : "amazonaws.com"}/${local.arn_scope.account_id}/${local.prefix}-" }
    functions_arn           = { "" = local.functions_arn }
    api_url                 = { "" = module.api.endpoint }
    email_configuration_set = { "" = module.email.configuration_set_name }
  }

  functions_arn = format(local.arn, "lambda", "function:${local.prefix}-")

  # ARNs of a grant's resources, by the catalog's kind and name.
  bucket_arns       = { for name, physical in module.buckets.names : name => "arn:${local.arn_scope.partition}:s3:::${physical}" }
  push_endpoint_arn = "${replace(var.push_application_arn, ":app/", ":endpoint/")}/*"
  arns = {
    logs          = { for name in keys(local.functions) : name => format(local.arn, "logs", "log-group:/aws/lambda/${local.prefix}-${name}:*") }
    table         = { for name, physical in module.tables.names : name => format(local.arn, "dynamodb", "table/${physical}") }
    index         = { for name, physical in module.tables.names : name => format(local.arn, "dynamodb", "table/${physical}/index/${local.catalog.tables[name].index.name}") }
    table_changes = { for name, physical in module.tables.names : name => format(local.arn, "dynamodb", "table/${physical}/stream/*") }
    bucket        = local.bucket_arns
    objects       = { for name, arn in local.bucket_arns : name => "${arn}/*" }
    # Secrets Manager ends an ARN with six random characters.
    secret            = { for name in keys(local.catalog.secrets) : name => format(local.arn, "secretsmanager", "secret:${replace(local.prefix, "-", "/")}/${name}-??????") }
    role_secrets      = { "" = format(local.arn, "secretsmanager", "secret:${replace(local.prefix, "-", "/")}/${local.catalog.database.secrets}/*") }
    stream            = { for name, physical in module.kinesis.names : name => format(local.arn, "kinesis", "stream/${physical}") }
    bus               = { (local.catalog.bus) = format(local.arn, "events", "event-bus/${local.prefix}-${local.catalog.bus}") }
    queue             = { for name in keys(local.functions) : name => format(local.arn, "sqs", "${local.prefix}-${name}") }
    dead_letter_queue = { for name in keys(local.functions) : name => format(local.arn, "sqs", "${local.prefix}-${name}${local.catalog.queues.dead_letter_suffix}") }
    mappings          = { "" = format(local.arn, "lambda", "event-source-mapping:*") }
    database_user = {
      for user in module.database.users : user => format(local.arn, "rds-db", "dbuser:${module.database.proxy_resource_id}/${user}")
    }
    cache = {
      group = format(local.arn, "elasticache", "replicationgroup:${module.cache.name}")
      user  = format(local.arn, "elasticache", "user:${module.cache.user_name}")
    }
    kafka_cluster    = { "" = module.kafka.cluster_arn }
    kafka_login      = { "" = local.inputs.KafkaLoginSecretArn }
    kafka_topics     = { for name in keys(local.catalog.kafka_topics) : name => "${module.kafka.topic_arn_prefix}${name}" }
    kafka_groups     = { for group in local.consumer_groups : group => "${module.kafka.group_arn_prefix}${local.prefix}-${group}" }
    push_endpoints   = { "" = local.push_endpoint_arn }
    push_application = { application = var.push_application_arn, endpoints = local.push_endpoint_arn }
  }

  consumer_groups = toset(flatten([for function in values(local.functions) : [for mapping in function.mappings : mapping.consumer_group if mapping.consumer_group != null]]))

  # Event source mappings by function and source.
  mappings = merge([
    for name, function in local.functions : {
      for mapping in function.mappings : "${name}/${mapping.name}" => merge(mapping, { function = name })
    }
  ]...)
  mapping_sources = {
    queue         = module.messaging.queue_arns
    stream        = module.kinesis.arns
    table_changes = module.tables.stream_arns
    kafka         = { for name in keys(local.catalog.kafka_topics) : name => module.kafka.cluster_arn }
  }
}

module "policies" {
  source = "./modules/policies"

  grants = { for name, function in local.functions : name => function.grants }
  arns   = local.arns
  inputs = merge(local.inputs, { FunctionArns = "${local.functions_arn}*" })
}

module "function" {
  source   = "./modules/function"
  for_each = local.functions

  name         = "${local.prefix}-${each.key}"
  arn_scope    = local.arn_scope
  description  = "${local.catalog.prefix} ${each.value.context}: ${each.key}"
  artifact     = { bucket = local.artifact_bucket, key = "${var.release}/${each.key}.zip" }
  architecture = var.architecture
  memory_mb    = each.value.memory_mb
  timeout_s    = each.value.timeout_s
  policy       = module.policies.json[each.key]
  alias        = local.catalog.deployment.alias
  log          = { retention_days = var.log_retention_days, key_arn = module.keys.arns["logs"], level = var.log_level }
  asynchronous = try({
    retries        = each.value.trigger.invocation.retries
    age_s          = each.value.trigger.invocation.age_s
    on_failure_arn = each.value.trigger.kind == "objects" ? module.messaging.dead_letter_queue_arns[each.key] : null
  }, null)
  tags = merge(local.tags, { context = each.value.context })

  environment = merge(
    {
      for name, setting in each.value.environment : name => (
        setting.kind == "text" ? setting.name : local.settings[setting.kind][setting.name]
      )
    },
    {
      LOG_LEVEL                    = var.log_level
      POWERTOOLS_METRICS_NAMESPACE = local.catalog.prefix
      POWERTOOLS_SERVICE_NAME      = each.value.context
      STAGE                        = var.environment
      TRACE_SHARE                  = tostring(coalesce(var.trace_sampling, local.catalog.sampling.rate))
    },
  )

  network = each.value.needs_network ? {
    subnet_ids         = module.network.private_subnet_ids
    security_group_ids = [module.network.security_group_ids["functions"]]
  } : null

  tracing                 = var.xray ? "Active" : "PassThrough"
  reserved_concurrency    = var.reserve_concurrency ? each.value.reserved_concurrency : null
  provisioned_concurrency = local.is_production ? each.value.provisioned_concurrency : 0
  code_signing_config_arn = var.code_signing_config_arn
  permissions_boundary    = module.boundary.arn
}

module "consumer" {
  source   = "./modules/consumer"
  for_each = local.mappings

  function_arn   = module.function[each.value.function].alias_arn
  source_arn     = local.mapping_sources[each.value.source][each.value.name]
  mapping        = each.value
  consumer_group = each.value.consumer_group == null ? null : "${local.prefix}-${each.value.consumer_group}"
  on_failure_arn = each.value.source == "queue" ? null : module.messaging.dead_letter_queue_arns[each.value.function]
  tags           = merge(local.tags, { context = local.functions[each.value.function].context })
}

locals {
  # Functions that S3 invokes for new objects.
  of_objects = { for name, function in local.functions : name => function.trigger if function.trigger.kind == "objects" }

  # Buckets that pages upload files to: images, which S3 invokes a function for, and imports, which a schedule looks for.
  upload_buckets = toset(concat([for trigger in values(local.of_objects) : trigger.bucket], [local.functions["product-import-create"].environment["FILES_BUCKET"].name]))
}

resource "aws_lambda_permission" "objects" {
  for_each = local.of_objects

  statement_id   = "Objects"
  action         = "lambda:InvokeFunction"
  function_name  = module.function[each.key].function_name
  qualifier      = module.function[each.key].alias_name
  principal      = "s3.amazonaws.com"
  source_account = var.account_id
  source_arn     = module.buckets.arns[each.value.bucket]
}

# A bucket has one configuration, which names all functions.
resource "aws_s3_bucket_notification" "objects" {
  for_each = toset([for trigger in values(local.of_objects) : trigger.bucket])

  bucket = module.buckets.names[each.key]

  dynamic "lambda_function" {
    for_each = { for name, trigger in local.of_objects : name => trigger if trigger.bucket == each.key }
    content {
      lambda_function_arn = module.function[lambda_function.key].alias_arn
      events              = ["s3:ObjectCreated:*"]
      filter_prefix       = lambda_function.value.prefix
    }
  }

  depends_on = [aws_lambda_permission.objects]
}
