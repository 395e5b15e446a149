//! `POST /api/v1/data/sources`: creates a source of records with the first version of its schema.
//!
//! With an `Idempotency-Key`, a repeated request gets the first response.

use api::SourceView;
use domain::source::{self, CreateSource, Source};
use edge::http::{Call, Reply};
use kernel::Failure;
use ports::{PayloadSchemas, SourceStore};

pub async fn handle(
    sources: &impl SourceStore,
    schemas: &impl PayloadSchemas,
    call: Call<CreateSource>,
) -> Result<Reply<SourceView>, Failure> {
    let (command, call) = call.into_parts();
    services::try_schema(schemas, &command.schema, &[])?;
    let source = Source::create(command, call.now);
    let path = catalog::SOURCE_GET.path_of(source.name.as_str());
    let reply = Reply::created(SourceView::from(&source)).location(path);
    let Some(key) = &call.idempotency else {
        sources.create_source(&source, None).await?;
        return Ok(reply);
    };
    let created = sources.create_source(&source, Some((key, &reply.to_stored()?))).await;
    let store = async |problem: &_| sources.store_source_response(key, problem).await;
    call.respond_idempotently(reply, created, source::is_taken, store).await
}
