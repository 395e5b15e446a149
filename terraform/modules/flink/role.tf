# What the application may do: read its jar, three topics and its own results, write those and its archive.

data "aws_partition" "this" {}

locals {
  arn_prefix = "arn:${data.aws_partition.this.partition}"
  sources    = [for topic in [var.topics.orders, var.topics.payments, var.topics.stock] : "${var.kafka.topic_arn_prefix}${topic}"]
  results    = "${var.kafka.topic_arn_prefix}${var.topics.results}"

  statements = [
    {
      Sid      = "ReadJar"
      Effect   = "Allow"
      Action   = ["s3:GetObject", "s3:GetObjectVersion"]
      Resource = [local.jar_path]
    },
    {
      Sid      = "WriteArchive"
      Effect   = "Allow"
      Action   = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:PutObject"]
      Resource = ["${var.archive.bucket_arn}/${var.archive.prefix}/*"]
    },
    {
      Sid       = "FindInArchive"
      Effect    = "Allow"
      Action    = ["s3:ListBucket"]
      Resource  = [var.archive.bucket_arn]
      Condition = { StringLike = { "s3:prefix" = ["${var.archive.prefix}", "${var.archive.prefix}/*"] } }
    },
    {
      Sid      = "FindUploads"
      Effect   = "Allow"
      Action   = ["s3:ListBucketMultipartUploads"]
      Resource = [var.archive.bucket_arn]
    },
    {
      Sid      = "UseKeys"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource = [var.artifact.key_arn, var.archive.key_arn]
    },
    {
      Sid      = "WriteLogs"
      Effect   = "Allow"
      Action   = ["logs:DescribeLogStreams", "logs:PutLogEvents"]
      Resource = [aws_cloudwatch_log_group.this.arn, "${aws_cloudwatch_log_group.this.arn}:*"]
    },
    {
      Sid      = "FindLogs"
      Effect   = "Allow"
      Action   = ["logs:DescribeLogGroups"]
      Resource = ["${local.arn_prefix}:logs:${var.region}:${var.account_id}:log-group:*"]
    },
    {
      Sid    = "ConnectToKafka"
      Effect = "Allow"
      # Exactly-once writes are idempotent ones in transactions.
      Action   = ["kafka-cluster:Connect", "kafka-cluster:WriteDataIdempotently"]
      Resource = [var.kafka.cluster_arn]
    },
    {
      Sid      = "ReadEvents"
      Effect   = "Allow"
      Action   = ["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"]
      Resource = local.sources
    },
    {
      Sid      = "WriteResults"
      Effect   = "Allow"
      Action   = ["kafka-cluster:CreateTopic", "kafka-cluster:DescribeTopic", "kafka-cluster:ReadData", "kafka-cluster:WriteData"]
      Resource = [local.results]
    },
    {
      Sid      = "CommitOffsets"
      Effect   = "Allow"
      Action   = ["kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup"]
      Resource = ["${var.kafka.group_arn_prefix}${local.name}"]
    },
    {
      Sid      = "CommitTransactions"
      Effect   = "Allow"
      Action   = ["kafka-cluster:AlterTransactionalId", "kafka-cluster:DescribeTransactionalId"]
      Resource = ["${var.kafka.transaction_arn_prefix}${local.name}*"]
    },
  ]

  # EC2 checks these without a resource: the service makes network interfaces in the subnets for the application.
  network = {
    Sid    = "Network"
    Effect = "Allow"
    Action = [
      "ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface", "ec2:DescribeDhcpOptions",
      "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs",
    ]
    Resource = ["*"]
  }
}

resource "aws_iam_role" "this" {
  name                 = local.name
  description          = "The Flink application of analytics"
  permissions_boundary = var.permissions_boundary
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "kinesisanalytics.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.account_id }
        ArnEquals    = { "aws:SourceArn" = "${local.arn_prefix}:kinesisanalytics:${var.region}:${var.account_id}:application/${local.name}" }
      }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  #checkov:skip=CKV_AWS_290:EC2 has no resources for the network interfaces that the service makes for an application in a VPC
  #checkov:skip=CKV_AWS_355:EC2 has no resources for the network interfaces that the service makes for an application in a VPC
  name = "windows"
  role = aws_iam_role.this.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.statements, [local.network])
  })
}
