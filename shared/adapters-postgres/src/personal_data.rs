//! The export of what is held about a person. Each context decides in a function of the database what it shows.

use super::{
    PgUsers,
    params::params,
    rows::{json_if, only},
};
use domain::{
    id::UserId,
    personal_data::{ExportCursor, ExportPart},
};
use kernel::Failure;
use ports::{Bus, PersonalData};
use tokio_postgres::types::Json;

/// Bounds of each list of a part. The lists of all contexts together, and the longest record after that, stay below the 6 MB that Lambda returns.
const MAX_RECORDS: i32 = 1_000;
const MAX_BYTES: i64 = 700_000;

const EXPORT: &str = "SELECT export($1, $2, $3, $4) AS part";

impl<B: Bus> PersonalData for PgUsers<B> {
    async fn export(&self, user: UserId, after: Option<&ExportCursor>) -> Result<Option<ExportPart>, Failure> {
        let params = params![user.0, after.map(Json), MAX_RECORDS, MAX_BYTES];
        json_if(only(&self.relay.database().query(EXPORT, &params).await?)?, "part")
    }
}
