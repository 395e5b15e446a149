output "statements" {
  description = "Statements for the policy of the role."
  value       = local.statements
}
