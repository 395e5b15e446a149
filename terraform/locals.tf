locals {
  # Generated from shared/catalog: the only source of the names of functions, events, queues, topics, tables, streams and buckets.
  catalog = jsondecode(file("${path.module}/catalog.json"))

  # Beginning of physical names, as in template.yaml: quayside-<environment>.
  prefix = "${local.catalog.prefix}-${var.environment}"

  is_production  = var.environment == "prod"
  standby_region = var.standby == null ? var.region : var.standby.region

  tags = {
    project     = local.catalog.prefix
    environment = var.environment
    managed-by  = "terraform"
  }
}
