//! Service clients: programs that get access tokens with a secret of their own (OAuth 2.0 client credentials, RFC 6749, section 4.4).

use crate::{
    id::{ClientId, UserId},
    text::ClientName,
};
use kernel::{Failure, Timestamp, seconds_after};
use schemars::JsonSchema;
use serde::Deserialize;

/// Seconds for which a secret that was replaced stays valid: a day, in which every instance of the client gets the new one.
pub const OVERLAP_S: i64 = 24 * 3600;

/// The grant type of service clients.
const CLIENT_CREDENTIALS: &str = "client_credentials";

/// A request to create a service client.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateClient {
    /// What the client is, for people.
    pub name: ClientName,
}

/// A service client. The digests of its secrets are stored separately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    pub id: ClientId,
    pub name: ClientName,
    /// The admin who created it.
    pub created_by: UserId,
    pub created_at: Timestamp,
    /// Until when the secret before the current one is valid, if there was one.
    pub previous_valid_until: Option<Timestamp>,
}

/// Until when a secret that is replaced `now` stays valid.
pub fn previous_valid_until(now: Timestamp) -> Result<Timestamp, Failure> {
    seconds_after(now, OVERLAP_S)
}

/// A request for an access token. Members that are not known are ignored, as RFC 6749 asks.
#[derive(Clone, Deserialize, JsonSchema)]
pub struct TokenRequest {
    /// `client_credentials`.
    #[serde(default)]
    grant_type: Option<String>,
    /// Id of the client, unless it is in the `Authorization` header.
    #[serde(default)]
    #[schemars(extend("format" = "uuid"))]
    client_id: Option<String>,
    /// Secret of the client, unless it is in the `Authorization` header.
    #[serde(default)]
    client_secret: Option<String>,
    /// No scope is defined: what a client may do is decided by its role.
    #[serde(default)]
    scope: Option<String>,
}

/// The credentials that a client claims to have.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientCredentials {
    /// As it was sent; it may be no id at all.
    pub id: String,
    pub secret: String,
}

/// Why no token is issued (RFC 6749, section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenRefusal {
    /// With what is wrong.
    InvalidRequest(&'static str),
    InvalidClient,
    UnsupportedGrantType,
    InvalidScope,
}

impl TokenRefusal {
    /// The value of `error`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
        }
    }

    /// The value of `error_description`. It is the same for a client that does not exist and for a wrong secret.
    pub const fn description(self) -> &'static str {
        match self {
            Self::InvalidRequest(detail) => detail,
            Self::InvalidClient => "the client or its secret is wrong",
            Self::UnsupportedGrantType => "grant_type must be client_credentials",
            Self::InvalidScope => "no scope is defined; leave scope out",
        }
    }
}

impl TokenRequest {
    /// The credentials of the request: those of the `Authorization` header, if it has one, or else of the form.
    pub fn credentials(self, header: Option<ClientCredentials>) -> Result<ClientCredentials, TokenRefusal> {
        match self.grant_type.as_deref() {
            None => return Err(TokenRefusal::InvalidRequest("grant_type is missing")),
            Some(CLIENT_CREDENTIALS) => {}
            Some(_) => return Err(TokenRefusal::UnsupportedGrantType),
        }
        if self.scope.is_some_and(|scope| !scope.is_empty()) {
            return Err(TokenRefusal::InvalidScope);
        }
        match (header, self.client_id, self.client_secret) {
            (Some(_), _, Some(_)) => Err(TokenRefusal::InvalidRequest("the client is authenticated twice")),
            (Some(header), Some(id), None) if header.id != id => {
                Err(TokenRefusal::InvalidRequest("client_id differs from that of the Authorization header"))
            }
            (Some(header), _, None) => Ok(header),
            (None, Some(id), Some(secret)) => Ok(ClientCredentials { id, secret }),
            (None, ..) => Err(TokenRefusal::InvalidClient),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn pair(id: &str, secret: &str) -> ClientCredentials {
        ClientCredentials { id: id.to_owned(), secret: secret.to_owned() }
    }

    fn parse(form: Value, header: Option<ClientCredentials>) -> Result<(String, String), TokenRefusal> {
        let request: TokenRequest = serde_json::from_value(form).expect("parses");
        request.credentials(header).map(|found| (found.id, found.secret))
    }

    #[test]
    fn credentials_are_in_the_header_or_in_the_form_and_not_in_both() {
        let form =
            json!({ "grant_type": "client_credentials", "client_id": "a", "client_secret": "s", "unknown": "x" });
        let found = Ok(("a".to_owned(), "s".to_owned()));
        assert_eq!(parse(form.clone(), None), found);
        let bare = json!({ "grant_type": "client_credentials", "scope": "" });
        assert_eq!(parse(bare.clone(), Some(pair("a", "s"))), found);
        let named = json!({ "grant_type": "client_credentials", "client_id": "a" });
        assert_eq!(parse(named.clone(), Some(pair("a", "s"))), found);
        let code = |refused: Result<_, TokenRefusal>| refused.map(|_: (String, String)| ()).unwrap_err().code();
        assert_eq!(code(parse(form, Some(pair("a", "s")))), "invalid_request");
        assert_eq!(code(parse(named.clone(), Some(pair("b", "s")))), "invalid_request");
        assert_eq!((code(parse(bare, None)), code(parse(named, None))), ("invalid_client", "invalid_client"));
    }

    #[test]
    fn other_grants_and_scopes_are_refused_as_rfc_6749_says() {
        let code = |form| parse(form, Some(pair("a", "s"))).unwrap_err().code();
        assert_eq!(code(json!({})), "invalid_request");
        assert_eq!(code(json!({ "grant_type": "password" })), "unsupported_grant_type");
        assert_eq!(code(json!({ "grant_type": "client_credentials", "scope": "admin" })), "invalid_scope");
    }
}
