//! `POST /api/v1/data`: accepts one record or up to 500, all of them or none.
//!
//! Returns 202 with their ids once all replicas of Kafka have them; `record-write` writes them to the database within seconds. A repeated
//! `Idempotency-Key` gives the same ids, so that records that are appended twice are written once: no response is stored, and a request
//! whose response was lost, or that failed half way, is simply sent again. PostgreSQL is asked once, before anything is appended.

use api::AcceptedRecordsView;
use domain::record_batch::{self, SendRecords};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{PayloadSchemas, RecordIntake, RecordLog};

/// Accepts the records of one request. `backlog` is how many may wait to be written.
pub async fn handle(
    intake: &impl RecordIntake,
    log: &impl RecordLog,
    schemas: &impl PayloadSchemas,
    backlog: u64,
    call: Call<SendRecords>,
) -> Result<Reply<AcceptedRecordsView>, Failure> {
    let (request, call) = call.into_parts();
    let (key, principal) = (call.idempotency_key()?, call.principal()?);
    let batch = request.parse(key, call.now)?;
    let admission = intake.admit(key, &batch.sources()).await?;
    record_batch::check_backlog(&log.ends(), &admission.written, backlog)?;
    let (ids, caller) = (batch.ids(), (principal.id, principal.role.as_str()));
    let violations = |of: &_, schema: &_, payload: &_| schemas.violations(of, schema, payload);
    let records = batch.accept(&admission.sources, caller, &violations, call.now)?;
    log.append_records(&records).await?;
    let reply = Reply::accepted(ids.into());
    Ok(if admission.is_repeated { reply.header("idempotent-replayed", "true") } else { reply })
}
