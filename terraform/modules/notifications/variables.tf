variable "prefix" {
  description = "Beginning of physical names, such as quayside-dev."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,30}$", var.prefix))
    error_message = "prefix must be 3 to 31 lower-case letters, digits and hyphens, such as quayside-dev."
  }
}

variable "account_id" {
  description = "AWS account whose services may publish alarms."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be the twelve digits of the AWS account."
  }
}

variable "emails" {
  description = "E-mail addresses that receive every alarm. Each has to confirm its subscription once."
  type        = set(string)

  validation {
    condition     = length(var.emails) > 0 && alltrue([for address in var.emails : can(regex("^[^@[:space:]]+@[^@[:space:]]+\\.[^@[:space:]]+$", address))])
    error_message = "emails must list at least one e-mail address: without one nobody would receive an alarm."
  }
}

variable "slack" {
  description = "Slack channel for every alarm. The workspace is authorized once in the console of Amazon Q Developer in chat applications. Null: none."
  type = object({
    workspace_id = string
    channel_id   = string
  })
  default = null

  validation {
    condition     = var.slack == null || try(can(regex("^T[A-Z0-9]+$", var.slack.workspace_id)) && can(regex("^[CG][A-Z0-9]+$", var.slack.channel_id)), false)
    error_message = "slack.workspace_id begins with T and slack.channel_id with C or G: copy both from the links of the workspace and the channel."
  }
}

variable "pagerduty_url" {
  description = "Integration URL of a PagerDuty service (Amazon CloudWatch), which is called for pages only. Null: none."
  type        = string
  default     = null
  sensitive   = true

  validation {
    condition     = var.pagerduty_url == null || can(regex("^https://events\\.(eu\\.)?pagerduty\\.com/integration/", var.pagerduty_url))
    error_message = "pagerduty_url must be the integration URL of a PagerDuty service, https://events.pagerduty.com/integration/<key>/enqueue."
  }
}

variable "permissions_boundary" {
  description = "ARN of the policy that bounds the roles."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:iam::[0-9]{12}:policy/", var.permissions_boundary))
    error_message = "permissions_boundary must be the ARN of a policy: a deployment may create no role without it."
  }
}
