# Stands in for modules/kafka on the emulator, which does not serve the second version of MSK's API.

output "cluster_arn" {
  value = "arn:aws:kafka:eu-west-1:000000000000:cluster/${var.prefix}-kafka/00000000-0000-0000-0000-000000000000-1"
}

output "cluster_name" {
  value = "${var.prefix}-kafka"
}

output "bootstrap_brokers" {
  value = "127.0.0.1:9098"
}

output "topic_arn_prefix" {
  value = "arn:aws:kafka:eu-west-1:000000000000:topic/${var.prefix}-kafka/00000000-0000-0000-0000-000000000000-1/"
}

output "group_arn_prefix" {
  value = "arn:aws:kafka:eu-west-1:000000000000:group/${var.prefix}-kafka/00000000-0000-0000-0000-000000000000-1/"
}

output "transaction_arn_prefix" {
  value = "arn:aws:kafka:eu-west-1:000000000000:transactional-id/${var.prefix}-kafka/00000000-0000-0000-0000-000000000000-1/"
}

output "topics" {
  value = var.topics
}

output "log_group_name" {
  value = "/aws/msk/${var.prefix}-kafka"
}
