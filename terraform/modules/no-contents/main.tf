# What a role that only plans must not read. AWS's ReadOnlyAccess is for configurations and contents alike, and the keys decrypt for
# whoever may read through a service; a denial holds whatever is attached later.

locals {
  statements = [
    {
      # Objects are invoices, archives and exports.
      Sid         = "NoObjects"
      Effect      = "Deny"
      Action      = ["s3:GetObject*", "s3:SelectObjectContent"]
      NotResource = var.object_arns
    },
    merge(
      {
        Sid    = "NoSecrets"
        Effect = "Deny"
        Action = ["secretsmanager:GetSecretValue"]
      },
      { for key in length(var.secret_arns) == 0 ? ["Resource"] : [] : key => "*" },
      { for key in length(var.secret_arns) == 0 ? [] : ["NotResource"] : key => var.secret_arns },
    ),
    {
      Sid    = "NoContents"
      Effect = "Deny"
      Action = [
        "athena:GetQueryResults*",
        "dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:GetRecords", "dynamodb:PartiQLSelect", "dynamodb:Query", "dynamodb:Scan",
        "kafka-cluster:ReadData",
        "kinesis:GetRecords", "kinesis:SubscribeToShard",
        "logs:FilterLogEvents", "logs:GetLogEvents", "logs:GetLogObject", "logs:GetLogRecord", "logs:GetQueryResults", "logs:StartLiveTail",
        "logs:StartQuery", "logs:Unmask",
        # Statements of the database, with the values in them.
        "pi:DescribeDimensionKeys", "pi:GetDimensionKeyDetails", "rds:DownloadCompleteDBLogFile", "rds:DownloadDBLogFilePortion",
        # Addresses of recipients.
        "ses:GetSuppressedDestination", "ses:ListSuppressedDestinations",
        "secretsmanager:BatchGetSecretValue",
        "sqs:ReceiveMessage",
        "ssm:GetParameter*",
        "xray:BatchGetTraces", "xray:GetTraceSummaries",
      ]
      Resource = "*"
    },
  ]

}
