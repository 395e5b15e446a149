//! `GET /api/v1/data/sources/{name}`: a source of records with its current schema; 404 for a service client that it does not list.

use api::SourceView;
use domain::{record::SourceName, source};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::SourceStore;

pub async fn handle(sources: &impl SourceStore, call: Call<NoBody>) -> Result<Reply<SourceView>, Failure> {
    let name: SourceName = call.path("name")?;
    let found = sources.source(&name).await?.ok_or_else(source::not_found)?;
    let source = call.with_principal(|id, role| found.visible_to(id, role))??;
    Ok(Reply::ok(SourceView::from(&source)))
}
