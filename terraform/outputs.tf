output "prefix" {
  description = "Beginning of the physical names of the environment."
  value       = local.prefix
}
