# Rights of a deployment on IAM, which PowerUserAccess excludes: roles of this environment that have the boundary. Roles of the deployments
# themselves, and the boundary, are changed by an operator.

locals {
  roles_arn    = "arn:aws:iam::${var.account_id}:role/${var.prefix}-"
  policies_arn = "arn:aws:iam::${var.account_id}:policy/${var.prefix}-"

  statements = [
    {
      Sid    = "ReadRolesOfEnvironment"
      Effect = "Allow"
      Action = [
        "iam:GetPolicy", "iam:GetPolicyVersion", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies",
        "iam:ListInstanceProfilesForRole", "iam:ListPolicyVersions", "iam:ListRolePolicies",
      ]
      Resource = ["${local.roles_arn}*", "${local.policies_arn}*"]
    },
    {
      Sid    = "ManageBoundedRoles"
      Effect = "Allow"
      Action = [
        "iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary",
        "iam:PutRolePolicy",
      ]
      Resource  = ["${local.roles_arn}*"]
      Condition = { StringEquals = { "iam:PermissionsBoundary" = var.permissions_boundary } }
    },
    {
      # IAM has no boundary for these calls to be compared with. They let nobody do more than a role of the environment may.
      Sid    = "UseRolesOfEnvironment"
      Effect = "Allow"
      Action = [
        "iam:DeleteRole", "iam:PassRole", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:UpdateRoleDescription",
      ]
      Resource = ["${local.roles_arn}*"]
    },
    {
      # Whoever deploys must not extend its own rights.
      Sid    = "NotItself"
      Effect = "Deny"
      Action = [
        "iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRole", "iam:DeleteRolePermissionsBoundary", "iam:DeleteRolePolicy",
        "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole",
      ]
      Resource = [for name in ["codebuild-*", "codepipeline", "github-*"] : "${local.roles_arn}${name}"]
    },
    {
      Sid    = "NotItsBoundary"
      Effect = "Deny"
      Action = [
        "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:DeleteRolePermissionsBoundary",
        "iam:SetDefaultPolicyVersion",
      ]
      Resource = [var.permissions_boundary, "${local.roles_arn}*"]
    },
  ]
}
