# What a role of the environment may do at most, whatever is attached to it. A deployment may create roles that have this boundary and no
# others, so that it cannot make one that may more than itself: whoever is bounded changes no roles, policies, users or accounts, and assumes
# no role.

resource "aws_iam_policy" "this" {
  #checkov:skip=CKV_AWS_286:a boundary gives no permission; what a role may do is in its own policy
  #checkov:skip=CKV_AWS_287:a boundary gives no permission; what a role may do is in its own policy
  #checkov:skip=CKV_AWS_288:a boundary gives no permission; what a role may do is in its own policy
  #checkov:skip=CKV_AWS_289:a boundary gives no permission; what a role may do is in its own policy
  #checkov:skip=CKV_AWS_290:a boundary gives no permission; what a role may do is in its own policy
  #checkov:skip=CKV_AWS_355:a boundary gives no permission; what a role may do is in its own policy
  name        = "${var.prefix}-boundary"
  description = "What a role of the environment may do at most"

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AllButRightsAndAccounts"
        Effect    = "Allow"
        NotAction = ["account:*", "iam:*", "organizations:*", "sts:AssumeRole*"]
        Resource  = "*"
      },
      {
        # A plan and AWS Config compare roles and policies.
        Sid      = "ReadRights"
        Effect   = "Allow"
        Action   = ["iam:GenerateCredentialReport", "iam:Get*", "iam:List*", "iam:Simulate*"]
        Resource = "*"
      },
    ]
  })
}
