module "boundary" {
  source = "./modules/boundary"

  prefix = local.prefix
}
