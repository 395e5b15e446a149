variable "object_arns" {
  description = "Objects in S3 that the role may read nevertheless: of the state and of the artifacts."
  type        = list(string)

  validation {
    condition     = length(var.object_arns) > 0 && alltrue([for arn in var.object_arns : can(regex("^arn:aws:s3:::[a-z0-9.-]+/\\*$", arn))])
    error_message = "object_arns must name whole buckets, such as arn:aws:s3:::one/*: a pattern of buckets could include customers' data."
  }
}

variable "secret_arns" {
  description = "Secrets that the role may read nevertheless."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.secret_arns : startswith(arn, "arn:aws:secretsmanager:") && !endswith(arn, ":secret:*")])
    error_message = "secret_arns must name secrets, not all of them."
  }
}
