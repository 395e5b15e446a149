//! The functions of identity.

use super::*;

functions! {
    /// Verifies the access token of a request for API Gateway.
    AUTHORIZER = Function::new("authorizer", Identity).triggered(Authorizer)
        .uses(&[Uses::Secret(&VERIFICATION_KEYS, &[GetSecretValue]), Uses::Redis]).timeout(5)
        .concurrency(100).provisioned(2);
    /// Registers a customer.
    USER_REGISTER = Function::new("user-register", Identity).http(Post, "/api/v1/users/register", Public)
        .honours_key().counts_attempts()
        .uses(&[Uses::Postgres, Uses::Bus, Uses::MessageLimits, Uses::RegistrationLimit])
        .publishes(&[USER_REGISTERED]).memory(512);
    /// Issues a token pair for a password.
    USER_LOGIN = Function::new("user-login", Identity).http(Post, "/api/v1/users/login", Public).counts_attempts()
        .uses(&[Uses::Postgres, Uses::Secret(&SIGNING_KEYS, &[GetSecretValue]), Uses::MfaPolicy, Uses::BrowserSessions])
        .memory(512);
    /// Finishes a login with a second factor.
    USER_LOGIN_MFA = Function::new("user-login-mfa", Identity).http(Post, "/api/v1/users/login/mfa", Public).counts_attempts()
        .uses(&[Uses::Postgres, Uses::Secret(&SIGNING_KEYS, &[GetSecretValue]), Uses::Secret(&SEALING_KEYS, &[GetSecretValue]), Uses::BrowserSessions]);
    /// Makes the secret of a second factor.
    TOTP_BEGIN = Function::new("totp-begin", Identity).http(Post, "/api/v1/users/{id}/totp", ENROLLING).counts_attempts()
        .uses(&[Uses::Postgres, Uses::Secret(&SEALING_KEYS, &[GetSecretValue])]).memory(512);
    /// Activates a second factor.
    TOTP_CONFIRM = Function::new("totp-confirm", Identity).http(Post, "/api/v1/users/{id}/totp/confirm", ENROLLING)
        .uses(&[Uses::Postgres, Uses::Secret(&SEALING_KEYS, &[GetSecretValue])]);
    /// Removes a second factor.
    TOTP_REMOVE = Function::new("totp-remove", Identity).http(Delete, "/api/v1/users/{id}/totp", ANY_USER).counts_attempts()
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Redis, Uses::Secret(&SEALING_KEYS, &[GetSecretValue]), Uses::MfaPolicy])
        .publishes(&[SECOND_FACTOR_REMOVED]).memory(512);
    /// Replaces the recovery codes of a second factor.
    RECOVERY_CODE_RENEW = Function::new("recovery-code-renew", Identity)
        .http(Post, "/api/v1/users/{id}/totp/recovery-codes", ANY_USER).counts_attempts()
        .uses(&[Uses::Postgres, Uses::Secret(&SEALING_KEYS, &[GetSecretValue])]);
    /// Serves the public signing keys.
    JWKS_GET = Function::new("jwks-get", Identity).http(Get, "/.well-known/jwks.json", Public).unlimited()
        .uses(&[Uses::Secret(&VERIFICATION_KEYS, &[GetSecretValue])]);
    /// Rotates the signing key, whose predecessor stays valid for issued tokens, adds a sealing key, and makes the counter key.
    KEY_ROTATE = Function::new("key-rotate", Identity)
        .uses(&[
            Uses::Secret(&SIGNING_KEYS, &[GetSecretValue, PutSecretValue]),
            Uses::Secret(&VERIFICATION_KEYS, &[PutSecretValue]),
            Uses::Secret(&SEALING_KEYS, &[GetSecretValue, PutSecretValue]),
            Uses::Secret(&COUNTER_KEY, &[GetSecretValue, PutSecretValue]),
        ]);
    /// Requests a token that verifies an address of a user.
    VERIFICATION_REQUEST = Function::new("verification-request", Identity)
        .http(Post, "/api/v1/users/{id}/verification", ANY_USER).honours_key()
        .uses(&[Uses::Postgres, Uses::Bus, Uses::MessageLimits]).publishes(&[CONTACT_VERIFICATION_REQUESTED]);
    /// Sends the token to the address, and tells one that was replaced.
    VERIFICATION_SEND = Function::new("verification-send", Identity)
        .on(&[USER_REGISTERED, USER_UPDATED, CONTACT_VERIFICATION_REQUESTED])
        .uses(&[Uses::Postgres, Uses::Email, Uses::Sms, Uses::MessageLimits]).timeout(15);
    /// Verifies the address that a token was sent to.
    CONTACT_VERIFY = Function::new("contact-verify", Identity).http(Post, "/api/v1/users/verify", Public)
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[CONTACT_VERIFIED]);
    /// Exchanges a refresh token for a new pair of tokens.
    TOKEN_REFRESH = Function::new("token-refresh", Identity).http(Post, "/api/v1/users/token/refresh", Public)
        .uses(&[
            Uses::Postgres, Uses::Redis, Uses::Secret(&SIGNING_KEYS, &[GetSecretValue]), Uses::MfaPolicy, Uses::BrowserSessions,
        ]);
    /// Ends the session of the access token or of the cookie.
    USER_LOGOUT = Function::new("user-logout", Identity).http(Post, "/api/v1/users/logout", ANY_CREDENTIAL)
        .uses(&[Uses::Postgres, Uses::Redis, Uses::BrowserSessions]);
    /// Lists the sessions of the caller.
    SESSION_LIST = Function::new("session-list", Identity).http(Get, "/api/v1/users/{id}/sessions", ANY_USER)
        .uses(&[Uses::PostgresRead]);
    /// Ends all sessions of the caller.
    SESSION_END = Function::new("session-end", Identity).http(Delete, "/api/v1/users/{id}/sessions", ANY_USER)
        .uses(&[Uses::Postgres, Uses::Redis]);
    /// Ends one session of the caller.
    SESSION_REVOKE = Function::new("session-revoke", Identity)
        .http(Delete, "/api/v1/users/{id}/sessions/{session_id}", ANY_USER).uses(&[Uses::Postgres, Uses::Redis]);
    /// Revokes the access tokens of ended sessions again.
    REVOCATION_SWEEP = Function::new("revocation-sweep", Identity).triggered(Schedule { minutes: 1 })
        .uses(&[Uses::Postgres, Uses::Redis]).timeout(50);
    /// Returns an account.
    USER_GET = Function::new("user-get", Identity).http(Get, "/api/v1/users/{id}", ANY_USER).uses(&[Uses::PostgresRead]);
    /// Replaces the profile of an account.
    USER_UPDATE = Function::new("user-update", Identity).http(Put, "/api/v1/users/{id}", ANY_USER).counts_attempts()
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[USER_UPDATED]).memory(512);
    /// Deletes an account.
    USER_DELETE = Function::new("user-delete", Identity).http(Delete, "/api/v1/users/{id}", ANY_USER)
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Redis]).publishes(&[USER_DELETED]);
    /// Exports everything that is held about a person.
    USER_EXPORT = Function::new("user-export", Identity).http(Get, "/api/v1/users/{id}/export", ANY_USER)
        .uses(&[Uses::PostgresRead]).memory(256);
    /// Erases what is held about a person.
    USER_ERASE = Function::new("user-erase", Identity).http(Post, "/api/v1/users/{id}/erasure", ANY_USER).counts_attempts()
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Redis]).publishes(&[USER_DELETED, USER_ERASED]).memory(512);
    /// Changes the password of the caller.
    PASSWORD_CHANGE = Function::new("password-change", Identity).http(Post, "/api/v1/users/{id}/password", ANY_USER).counts_attempts()
        .uses(&[Uses::Postgres, Uses::Redis]).memory(512);
    /// Requests a token with which a new password can be set.
    PASSWORD_RESET_REQUEST = Function::new("password-reset-request", Identity)
        .http(Post, "/api/v1/users/password-reset", Public)
        .uses(&[Uses::Postgres, Uses::Bus]).publishes(&[PASSWORD_RESET_REQUESTED]);
    /// Mails the token.
    PASSWORD_RESET_SEND = Function::new("password-reset-send", Identity).on(&[PASSWORD_RESET_REQUESTED])
        .uses(&[Uses::Postgres, Uses::Email]).timeout(15);
    /// Sets a new password with the token.
    PASSWORD_RESET_CONFIRM = Function::new("password-reset-confirm", Identity)
        .http(Post, "/api/v1/users/password-reset/confirm", Public)
        .uses(&[Uses::Postgres, Uses::Redis]).memory(512);
    /// Gives a user another role.
    USER_ROLE_UPDATE = Function::new("user-role-update", Identity).http(Put, "/api/v1/users/{id}/role", ADMIN_ONLY)
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Redis]).publishes(&[USER_UPDATED]);
    /// Disables or enables an account.
    USER_STATUS_UPDATE = Function::new("user-status-update", Identity)
        .http(Patch, "/api/v1/users/{id}/status", ADMIN_ONLY)
        .uses(&[Uses::Postgres, Uses::Bus, Uses::Redis]).publishes(&[USER_UPDATED]);
    /// Creates the account of a colleague.
    USER_INVITE = Function::new("user-invite", Identity).http(Post, "/api/v1/users/invite", ADMIN_ONLY)
        .honours_key().uses(&[Uses::Postgres, Uses::Bus]).publishes(&[USER_REGISTERED]).memory(512);
    /// Finds accounts for staff.
    USER_SEARCH = Function::new("user-search", Identity).http(Get, "/api/v1/users", STAFF_OR_ADMIN)
        .uses(&[Uses::PostgresRead]);
    /// Creates a service client.
    CLIENT_CREATE = Function::new("client-create", Identity).http(Post, "/api/v1/oauth/clients", ADMIN_ONLY)
        .honours_key().uses(&[Uses::Postgres, Uses::Secret(&SEALING_KEYS, &[GetSecretValue])]);
    /// Lists the service clients.
    CLIENT_LIST = Function::new("client-list", Identity).http(Get, "/api/v1/oauth/clients", ADMIN_ONLY)
        .uses(&[Uses::PostgresRead]);
    /// Replaces the secret of a service client.
    CLIENT_SECRET_ROTATE = Function::new("client-secret-rotate", Identity)
        .http(Post, "/api/v1/oauth/clients/{id}/secret", ADMIN_ONLY).honours_key()
        .uses(&[Uses::Postgres, Uses::Secret(&SEALING_KEYS, &[GetSecretValue])]);
    /// Deletes a service client.
    CLIENT_DELETE = Function::new("client-delete", Identity).http(Delete, "/api/v1/oauth/clients/{id}", ADMIN_ONLY)
        .uses(&[Uses::Postgres, Uses::Redis]);
    /// Issues an access token for the secret of a service client.
    TOKEN_ISSUE = Function::new("token-issue", Identity).http(Post, "/api/v1/oauth/token", Public).counts_attempts()
        .uses(&[Uses::Postgres, Uses::Secret(&SIGNING_KEYS, &[GetSecretValue])]);
}
