//! `POST /api/v1/data/sources`: creates a source of records with the first version of its schema.

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
    if !sources.create_source(&source).await? {
        return Err(source::exists());
    }
    let path = catalog::SOURCE_GET.path_of(source.name.as_str());
    Ok(Reply::created(SourceView::from(&source)).location(path))
}
