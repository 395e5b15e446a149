"""The actions that AWS services take with the role of a function, and that no code of the function calls.

They follow from what the function's row says of its trigger, network and stores. The sets are those of AWS's managed
policies for the purpose, without the actions that only other uses of the service need. No API of the emulator receives
them: it reads queues and streams itself, and the local database and Kafka have passwords.
"""

from typing import Any

Json = dict[str, Any]

# AWSLambdaBasicExecutionRole without the creation of the log group, which the stack creates; AWSXRayDaemonWriteAccess
# without sampling, because Lambda samples.
EVERY_FUNCTION = {"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTelemetryRecords", "xray:PutTraceSegments"}

# AWSLambdaVPCAccessExecutionRole.
NETWORK = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
}

# By the source of an event source mapping.
SOURCES = {
    # AWSLambdaSQSQueueExecutionRole.
    "queue": {"sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"},
    # AWSLambdaKinesisExecutionRole.
    "stream": {
        "kinesis:DescribeStream",
        "kinesis:DescribeStreamSummary",
        "kinesis:GetRecords",
        "kinesis:GetShardIterator",
        "kinesis:ListShards",
    },
    # AWSLambdaDynamoDBExecutionRole.
    "table_changes": {
        "dynamodb:DescribeStream",
        "dynamodb:GetRecords",
        "dynamodb:GetShardIterator",
        "dynamodb:ListStreams",
    },
    # AWSLambdaMSKExecutionRole, and the actions of Kafka's IAM authentication.
    "kafka": {
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "kafka-cluster:AlterGroup",
        "kafka-cluster:Connect",
        "kafka-cluster:DescribeClusterDynamicConfiguration",
        "kafka-cluster:DescribeGroup",
        "kafka-cluster:DescribeTopic",
        "kafka-cluster:ReadData",
        "kafka:DescribeClusterV2",
        "kafka:GetBootstrapBrokers",
    },
}

PRODUCER = {"kafka-cluster:Connect", "kafka-cluster:DescribeTopic", "kafka-cluster:WriteData"}
# An operator invokes the function that creates the topics.
TOPICS = {
    "kafka-cluster:AlterTopicDynamicConfiguration",
    "kafka-cluster:Connect",
    "kafka-cluster:CreateTopic",
    "kafka-cluster:DescribeTopic",
    "kafka-cluster:DescribeTopicDynamicConfiguration",
}
DATABASE = {"rds-db:connect"}
CACHE = {"elasticache:Connect"}
# Decides whether S3 answers a request for a missing object with 404 or 403.
MISSING_OBJECTS = {"s3:ListBucket"}


def taken(row: Json) -> set[str]:
    """The actions for the row of a function in catalog.json."""
    actions = set(EVERY_FUNCTION)
    sources = {mapping["source"] for mapping in row["mappings"]}
    for source in sources:
        actions |= SOURCES[source]
    if sources - {"queue"}:
        # What the mapping of a stream could not deliver.
        actions.add("sqs:SendMessage")
    if row["needs_network"]:
        actions |= NETWORK
    if "DATABASE_HOST" in row["environment"]:
        actions |= DATABASE
    if "REDIS_URL" in row["environment"]:
        actions |= CACHE
    if "KAFKA_BROKERS" in row["environment"]:
        actions |= TOPICS if row["trigger"]["kind"] == "operator" else PRODUCER
    if any("s3:GetObject" in grant["actions"] for grant in row["grants"]):
        actions |= MISSING_OBJECTS
    return actions


def of_scram(row: Json) -> set[str]:
    """What the code calls only where it logs in to Kafka with a secret, as in the local cloud and not with IAM."""
    has_login = any(grant["requires"] == "KafkaLoginSecretArn" for grant in row["grants"])
    return {"secretsmanager:GetSecretValue"} if has_login else set()
