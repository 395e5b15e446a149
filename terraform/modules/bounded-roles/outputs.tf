output "statements" {
  description = "Statements for the policy of a role that deploys."
  value       = local.statements
}
