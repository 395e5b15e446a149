# The application's properties. scripts/local/flink_job.py sets the same on a machine; a test compares both.

locals {
  properties = {
    job = {
      files            = "events.sql,windows.sql,archive.sql"
      group            = local.name
      "topic.orders"   = var.topics.orders
      "topic.payments" = var.topics.payments
      "topic.stock"    = var.topics.stock
      "topic.results"  = var.topics.results
      partitions       = tostring(var.partitions)
      archive          = local.archive
      # The customer of domain::canary, whose orders are tests.
      canary = "00000000-0000-7000-8000-00000000ca9a"
      # After this time a record counts as late. It still corrects its window.
      lateness_minutes = tostring(var.lateness_minutes)
      # Older events are left out, because whether they were counted is forgotten a day later.
      kept_days = tostring(var.kept_days)
      state_ttl = "${var.kept_days + 1} d"
    }

    kafka = {
      "bootstrap.servers"                  = var.kafka.bootstrap_brokers
      "security.protocol"                  = "SASL_SSL"
      "sasl.mechanism"                     = "AWS_MSK_IAM"
      "sasl.jaas.config"                   = "software.amazon.msk.auth.iam.IAMLoginModule required;"
      "sasl.client.callback.handler.class" = "software.amazon.msk.auth.iam.IAMClientCallbackHandler"
      "isolation.level"                    = "read_committed"
    }
  }
}
