output "managed" {
  description = "Secrets that Secrets Manager rotates."
  value       = keys(var.managed)
}

output "scheduled" {
  description = "Secrets that are rotated on a schedule."
  value       = keys(var.scheduled)
}
