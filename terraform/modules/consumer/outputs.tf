output "id" {
  description = "Id of the event source mapping."
  value       = aws_lambda_event_source_mapping.this.uuid
}

output "settings" {
  description = "Settings of the mapping that the tests compare with the catalog and with template.yaml."
  value = {
    batch               = aws_lambda_event_source_mapping.this.batch_size
    window_s            = aws_lambda_event_source_mapping.this.maximum_batching_window_in_seconds
    maximum_concurrency = try(aws_lambda_event_source_mapping.this.scaling_config[0].maximum_concurrency, null)
    retries             = aws_lambda_event_source_mapping.this.maximum_retry_attempts
    age_s               = aws_lambda_event_source_mapping.this.maximum_record_age_in_seconds
    bisects             = aws_lambda_event_source_mapping.this.bisect_batch_on_function_error
    response_types      = aws_lambda_event_source_mapping.this.function_response_types
    on_failure_arn      = try(aws_lambda_event_source_mapping.this.destination_config[0].on_failure[0].destination_arn, null)
    consumer_group      = try(aws_lambda_event_source_mapping.this.amazon_managed_kafka_event_source_config[0].consumer_group_id, null)
    topics              = aws_lambda_event_source_mapping.this.topics
  }
}
