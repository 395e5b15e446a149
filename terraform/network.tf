variable "network" {
  description = "Range of the VPC (/16 to /20), NAT gateways (none, single or per_zone), and services reached through interface endpoints."
  type = object({
    cidr                = string
    nat_gateways        = string
    interface_endpoints = set(string)
  })

  validation {
    condition     = var.environment != "prod" || var.network.nat_gateways == "per_zone"
    error_message = "prod needs network.nat_gateways = \"per_zone\": with a single one, losing its zone cuts all functions off the payment gateway."
  }

  validation {
    condition     = try(tonumber(split("/", var.network.cidr)[1]) >= 16 && tonumber(split("/", var.network.cidr)[1]) <= 20, false)
    error_message = "network.cidr must be a range from /16 to /20, such as 10.20.0.0/16: each of up to twelve subnets gets a sixteenth of it, and a smaller range leaves too few addresses for functions and brokers."
  }

  validation {
    condition     = length(setsubtract(["lambda", "sqs", "sts"], var.network.interface_endpoints)) == 0
    error_message = "network.interface_endpoints must contain lambda, sqs and sts: the mappings of Kafka topics poll from subnets that have no other route to them."
  }
}

module "network" {
  source = "./modules/network"

  prefix               = local.prefix
  account_id           = var.account_id
  region               = var.region
  cidr                 = var.network.cidr
  availability_zones   = var.availability_zones
  nat_gateways         = var.network.nat_gateways
  interface_endpoints  = var.network.interface_endpoints
  log_retention_days   = var.log_retention_days
  logs_key_arn         = module.keys.arns.logs
  permissions_boundary = module.boundary.arn
}
