//! `POST /api/v1/oauth/token`: issues an access token for the secret of a service client (RFC 6749, section 4.4).
//!
//! The client authenticates by `Authorization: Basic` or by `client_id` and `client_secret` in the form. What the client does wrong is answered
//! as section 5.2 says, with `error`. After repeated wrong secrets of one client from one source, or of one source, it returns 429 with
//! `Retry-After`.

use api::{ServiceTokenView, TokenRefusalView};
use domain::{
    client::{ClientCredentials, TokenRefusal, TokenRequest},
    id::{SessionId, UserId},
    session,
    user::Role,
};
use edge::http::{Basic, Call, Form, Reply};
use kernel::Failure;
use ports::{Claims, ClientLogins, ClientProof, Tokens};

pub async fn handle(
    clients: &impl ClientLogins,
    tokens: &impl Tokens,
    call: Call<Form<TokenRequest>>,
) -> Result<Reply<ServiceTokenView>, Failure> {
    let (Form(request), call) = call.into_parts();
    let header = match call.basic().transpose() {
        Ok(header) => header.map(|Basic { id, secret }| ClientCredentials { id, secret }),
        Err(_) => return refuse(TokenRefusal::InvalidRequest("the Authorization header is malformed")),
    };
    let credentials = match request.credentials(header) {
        Ok(credentials) => credentials,
        Err(refusal) => return refuse(refusal),
    };
    let client_address = call.client_address(async |secret| clients.is_from_distribution(secret).await).await?;
    let attempt = ClientProof { credentials: &credentials, client_address, now: call.now };
    let Some(client) = clients.prove_client(attempt).await? else { return refuse(TokenRefusal::InvalidClient) };
    let expires_at = session::token_expiry(call.now)?.access;
    let (user_id, session_id) = (UserId(client.0), SessionId(client.0));
    let claims = Claims { user_id, session_id, role: Role::Service, issued_at: call.now, expires_at };
    Ok(uncached(Reply::ok(ServiceTokenView::new(tokens.issue(&claims).await?))))
}

fn refuse(refusal: TokenRefusal) -> Result<Reply<ServiceTokenView>, Failure> {
    let body = TokenRefusalView::from(refusal);
    Ok(uncached(match refusal {
        TokenRefusal::InvalidClient => {
            Reply::rejection(401, &body)?.header("www-authenticate", "Basic realm=\"quayside\"")
        }
        _ => Reply::rejection(400, &body)?,
    }))
}

/// `Cache-Control: no-store` is the default of every response; RFC 6749 wants `Pragma` as well.
fn uncached(reply: Reply<ServiceTokenView>) -> Reply<ServiceTokenView> {
    reply.header("pragma", "no-cache")
}
