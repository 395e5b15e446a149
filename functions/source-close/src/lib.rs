//! `DELETE /api/v1/data/sources/{name}`: closes a source of records, which then takes no more. Those that it has, or that wait to be
//! written, can be read. A source that is closed already stays so.

use domain::{record::SourceName, source};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::SourceStore;

pub async fn handle(sources: &impl SourceStore, call: Call<NoBody>) -> Result<Reply<()>, Failure> {
    let name: SourceName = call.path("name")?;
    match sources.close_source(&name, call.now).await? {
        true => Ok(Reply::no_content()),
        false => Err(source::not_found()),
    }
}
