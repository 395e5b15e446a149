output "config_rules" {
  description = "Names of the rules of AWS Config."
  value       = [for rule in aws_config_config_rule.this : rule.name]
}
