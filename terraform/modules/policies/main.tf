# Policies as data, without resources. jsonencode instead of aws_iam_policy_document, because tests with a mocked provider read the
# result.

locals {
  # The number makes statement ids unique within a policy, and equals the number in template.yaml.
  statements = {
    for function, grants in var.grants : function => [
      for number, grant in grants : merge(
        {
          Sid    = "${grant.sid}${number}"
          Effect = "Allow"
          Action = grant.actions
        },
        {
          for key in grant.not_resource == null ? ["Resource"] : [] : key => (
            grant.wildcard_reason != null ? tolist(["*"]) :
            length(grant.on.names) == 0 ? values(var.arns[grant.on.kind]) :
            tolist([for name in grant.on.names : var.arns[grant.on.kind][name]])
          )
        },
        { for key in grant.not_resource == null ? [] : ["NotResource"] : key => [grant.not_resource] },
        {
          for key in length(grant.conditions) == 0 ? [] : ["Condition"] : key => {
            for test in distinct(grant.conditions[*].test) : test => {
              for condition in grant.conditions : condition.variable => (
                condition.input == null ? condition.values : [var.inputs[condition.input]]
              ) if condition.test == test
            }
          }
        },
      )
      if grant.requires == null ? true : var.inputs[grant.requires] != ""
    ]
  }
}
