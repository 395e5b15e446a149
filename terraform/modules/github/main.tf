# Workflows on GitHub get credentials for minutes, by their identity token: no access key exists that could leak.

locals {
  issuer       = "token.actions.githubusercontent.com"
  provider_arn = "arn:aws:iam::${var.account_id}:oidc-provider/${local.issuer}"
  state_arn    = "arn:aws:s3:::${var.state_bucket}"

  database_secrets_arn = "arn:aws:secretsmanager:${var.region}:${var.account_id}:secret:${replace(var.prefix, "-", "/")}/database/*"

  # A pull request, from whatever branch, may read. Only a job in the environment may change anything: GitHub issues its token once the
  # rules of the environment are met, which are its reviewers and its branch.
  subjects = {
    plan   = ["repo:${var.repository}:pull_request"]
    drift  = ["repo:${var.repository}:ref:refs/heads/${var.branch}"]
    deploy = ["repo:${var.repository}:environment:${var.environment}"]
  }

  managed = {
    plan   = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    drift  = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    deploy = "arn:aws:iam::aws:policy/PowerUserAccess"
  }

  read_state = [
    {
      Sid      = "ReadState"
      Effect   = "Allow"
      Action   = ["s3:GetObject"]
      Resource = "${local.state_arn}/*"
    },
    {
      Sid      = "FindState"
      Effect   = "Allow"
      Action   = ["s3:ListBucket"]
      Resource = local.state_arn
    },
  ]

  statements = {
    plan = concat(module.no_contents["plan"].statements, local.read_state)
    # A refresh compares the database's secrets with the state; no other values can be read.
    drift = concat(module.no_contents["drift"].statements, local.read_state, [{
      Sid      = "CompareSecrets"
      Effect   = "Allow"
      Action   = ["secretsmanager:GetSecretValue"]
      Resource = local.database_secrets_arn
    }])
    deploy = concat(module.bounded_roles.statements, [
      {
        Sid      = "UseState"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
        Resource = "${local.state_arn}/*"
      },
      {
        Sid      = "PublishPackages"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:GetObject"]
        Resource = "${var.artifacts_arn}/*"
      },
      {
        # The plan of a deployment refreshes the identity provider, which PowerUserAccess excludes as all of IAM.
        Sid      = "ReadIdentityProvider"
        Effect   = "Allow"
        Action   = ["iam:GetOpenIDConnectProvider"]
        Resource = local.provider_arn
      },
    ])
  }
}

module "no_contents" {
  source   = "../no-contents"
  for_each = { plan = [], drift = [local.database_secrets_arn] }

  object_arns = ["${local.state_arn}/*", "${var.artifacts_arn}/*"]
  secret_arns = each.value
}

module "bounded_roles" {
  source = "../bounded-roles"

  prefix               = var.prefix
  account_id           = var.account_id
  permissions_boundary = var.permissions_boundary
}

resource "aws_iam_openid_connect_provider" "this" {
  count = var.creates_provider ? 1 : 0

  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
}

resource "aws_iam_role" "this" {
  #checkov:skip=CKV_AWS_393:The subjects are exact and without wildcards, which the tests assert; the scanner does not evaluate for_each.
  for_each = local.subjects

  name                 = "${var.prefix}-github-${each.key}"
  description          = "Assumed by workflows of ${var.repository}: ${each.key}"
  max_session_duration = 3600
  # Who manages roles cannot be bounded by what may not; it changes none but bounded ones.
  permissions_boundary = each.key == "deploy" ? null : var.permissions_boundary

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = local.provider_arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = {
        StringEquals = {
          "${local.issuer}:aud" = "sts.amazonaws.com"
          "${local.issuer}:sub" = each.value
        }
      }
    }]
  })

  depends_on = [aws_iam_openid_connect_provider.this]
}

resource "aws_iam_role_policy" "this" {
  for_each = local.statements

  name = each.key
  role = aws_iam_role.this[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(each.value, [{
      Sid      = "UseKeys"
      Effect   = "Allow"
      Action   = each.key == "deploy" ? ["kms:Decrypt", "kms:GenerateDataKey"] : ["kms:Decrypt"]
      Resource = var.key_arns
    }])
  })
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = local.managed

  role       = aws_iam_role.this[each.key].name
  policy_arn = each.value
}
