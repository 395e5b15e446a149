output "cluster_arn" {
  description = "ARN of the cluster."
  value       = aws_msk_cluster.this.arn
}

output "cluster_name" {
  description = "Name of the cluster, the dimension of its metrics."
  value       = aws_msk_cluster.this.cluster_name
}

output "bootstrap_brokers" {
  description = "Brokers at which clients with IAM authentication begin, separated by commas."
  value       = aws_msk_cluster.this.bootstrap_brokers_sasl_iam
}

output "topic_arn_prefix" {
  description = "Beginning of the ARNs of topics; a topic's name follows."
  value       = "${replace(aws_msk_cluster.this.arn, ":cluster/", ":topic/")}/"
}

output "group_arn_prefix" {
  description = "Beginning of the ARNs of consumer groups; a group's name follows."
  value       = "${replace(aws_msk_cluster.this.arn, ":cluster/", ":group/")}/"
}

output "transaction_arn_prefix" {
  description = "Beginning of the ARNs of transactional ids; an id follows."
  value       = "${replace(aws_msk_cluster.this.arn, ":cluster/", ":transactional-id/")}/"
}

output "topics" {
  description = "Topics to be created on the cluster: partitions, replicas and settings."
  value       = local.topics
}

output "log_group_name" {
  description = "Name of the group of the brokers' log."
  value       = aws_cloudwatch_log_group.this.name
}
