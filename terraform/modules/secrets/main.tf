# Secrets without values: operators and functions put them in, so that no value passes through Terraform or its state.
# Functions treat a secret without a value like a dependency that is down.

resource "aws_secretsmanager_secret" "this" {
  #checkov:skip=CKV2_AWS_57:the module rotation rotates those that a function of the catalog can replace; the others come from third parties by hand
  for_each = var.secrets

  name                    = "${replace(var.prefix, "-", "/")}/${each.key}"
  description             = each.value.rotated_by == null ? "Put in by an operator" : "Rotated by ${each.value.rotated_by}"
  kms_key_id              = var.key_arn
  recovery_window_in_days = 30

  dynamic "replica" {
    for_each = var.replica == null ? [] : [var.replica]

    content {
      region     = replica.value.region
      kms_key_id = replica.value.key_arn
    }
  }
}
