//! The actions of AWS services that functions call, as IAM names them.

/// What a function does to a resource. A row names each action, and its role may do nothing else to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    GetItem,
    BatchGetItem,
    /// Of the index of the table.
    Query,
    PutItem,
    /// An update of these attributes of an item, and of no other.
    UpdateItem(&'static [&'static str]),
    GetObject,
    PutObject,
    DeleteObject,
    /// No call: without it, S3 answers a request for a missing object with 403 instead of 404.
    ListBucket,
    GetSecretValue,
    PutSecretValue,
    UpdateSecretVersionStage,
    PutRecord,
    GetQueueAttributes,
    ReceiveMessage,
    ChangeMessageVisibility,
    DeleteMessage,
    SendMessage,
    CreatePlatformEndpoint,
    SetEndpointAttributes,
    ListEventSourceMappings,
    UpdateEventSourceMapping,
}

impl Action {
    pub const fn iam(self) -> &'static str {
        match self {
            Self::GetItem => "dynamodb:GetItem",
            Self::BatchGetItem => "dynamodb:BatchGetItem",
            Self::Query => "dynamodb:Query",
            Self::PutItem => "dynamodb:PutItem",
            Self::UpdateItem(_) => "dynamodb:UpdateItem",
            Self::GetObject => "s3:GetObject",
            Self::PutObject => "s3:PutObject",
            Self::DeleteObject => "s3:DeleteObject",
            Self::ListBucket => "s3:ListBucket",
            Self::GetSecretValue => "secretsmanager:GetSecretValue",
            Self::PutSecretValue => "secretsmanager:PutSecretValue",
            Self::UpdateSecretVersionStage => "secretsmanager:UpdateSecretVersionStage",
            Self::PutRecord => "kinesis:PutRecord",
            Self::GetQueueAttributes => "sqs:GetQueueAttributes",
            Self::ReceiveMessage => "sqs:ReceiveMessage",
            Self::ChangeMessageVisibility => "sqs:ChangeMessageVisibility",
            Self::DeleteMessage => "sqs:DeleteMessage",
            Self::SendMessage => "sqs:SendMessage",
            Self::CreatePlatformEndpoint => "sns:CreatePlatformEndpoint",
            Self::SetEndpointAttributes => "sns:SetEndpointAttributes",
            Self::ListEventSourceMappings => "lambda:ListEventSourceMappings",
            Self::UpdateEventSourceMapping => "lambda:UpdateEventSourceMapping",
        }
    }

    /// The action without the service, as in the name of the API's operation.
    pub fn name(self) -> &'static str {
        self.iam().split_once(':').map_or("", |(_, name)| name)
    }
}
