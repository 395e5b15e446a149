//! The passwords of the database roles.

use super::{Database, errors::QueryError, params::params, rows::get};
use kernel::Failure;
use ports::{RoleLogin, RolePasswords};
use postgres_protocol::password::scram_sha_256;
use std::sync::Arc;
use tokio_postgres::error::SqlState;

/// ALTER ROLE takes no parameters, so the server quotes the statement.
const ALTER_ROLE: &str = "SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text) AS statement";

/// The passwords of all roles, as the owner of the database.
#[derive(Debug)]
pub struct PgRolePasswords {
    owner: Arc<Database>,
}

impl PgRolePasswords {
    pub fn new(owner: Arc<Database>) -> Self {
        Self { owner }
    }
}

impl RolePasswords for PgRolePasswords {
    async fn set_password(&self, login: &RoleLogin) -> Result<(), Failure> {
        // The verifier instead of the password: the server's log contains the statement.
        let verifier = scram_sha_256(login.password.as_bytes());
        let rows = self.owner.query(ALTER_ROLE, &params![login.role.as_str(), verifier.as_str()]).await?;
        let statement: String = get(super::rows::only(&rows)?, "statement")?;
        let session = self.owner.session().await?;
        let result = session.command(&statement).await;
        session.release();
        result.map_err(|error| if is_unknown_role(&error) { Failure::not_found("database role") } else { error.into() })
    }
}

fn is_unknown_role(error: &QueryError) -> bool {
    error.server_error().is_some_and(|error| *error.code() == SqlState::UNDEFINED_OBJECT)
}
