variable "grants" {
  description = "Permissions by function, as in catalog.json."
  type = map(list(object({
    sid             = string
    actions         = list(string)
    on              = object({ kind = string, names = list(string) })
    conditions      = optional(list(object({ test = string, variable = string, input = optional(string), values = optional(list(string)) })), [])
    not_resource    = optional(string)
    requires        = optional(string)
    wildcard_reason = optional(string)
  })))

  validation {
    condition     = alltrue([for grant in flatten(values(var.grants)) : !strcontains(join(" ", grant.actions), "*")])
    error_message = "Actions must not contain wildcards: name each action in scripts/xtask/src/codegen/grants.rs."
  }
}

variable "arns" {
  description = "ARNs by kind of resource and by name. A grant without names refers to all ARNs of its kind."
  type        = map(map(string))
}

variable "inputs" {
  description = "Values of deployment inputs that conditions refer to. A grant that requires an empty input is left out."
  type        = map(string)
}
