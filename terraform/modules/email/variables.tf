variable "name" {
  description = "Name of the configuration set."
  type        = string
}

variable "from" {
  description = "Sender address; it has to be verified once."
  type        = string

  validation {
    condition     = can(regex("^[^@[:space:]]+@[^@[:space:]]+\\.[^@[:space:]]+$", var.from))
    error_message = "email_from must be an e-mail address that SES may send from, such as orders@example.com."
  }
}

variable "feedback_topics" {
  description = "ARNs of the topics that receive bounces and complaints, by name."
  type        = map(string)
}

variable "tags" {
  description = "Tags of all resources."
  type        = map(string)
}
