module "keys" {
  source = "./modules/keys"

  prefix     = local.prefix
  account_id = var.account_id
  region     = var.region
}
