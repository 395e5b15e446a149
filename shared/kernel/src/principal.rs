//! Who a request is from.

use crate::Uuid;
use serde::{Deserialize, Serialize};

/// The authenticated caller of a request. It is serialized as the attributes of the events that the request causes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Principal {
    /// Subject of the token: id of a user or of a service client.
    #[serde(rename = "actorid")]
    pub id: Uuid,
    /// Name of the role.
    #[serde(rename = "actorrole")]
    pub role: String,
}
