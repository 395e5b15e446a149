//! Published events of all outboxes, for operators.

use super::{
    Database,
    orders::{format_position, parse_cursor},
    params::params,
    rows::get,
};
use catalog::Context;
use domain::replay::Selection;
use kernel::{Failure, Timestamp, Uuid};
use ports::{EventHistory, Page, PublishedEvent};
use std::{collections::BTreeSet, sync::Arc};

#[derive(Debug)]
pub struct PgEventHistory {
    database: Arc<Database>,
}

impl PgEventHistory {
    /// `database` logs in as the role of operations.
    pub fn new(database: Arc<Database>) -> Self {
        Self { database }
    }
}

/// A page of the outboxes of these contexts. Each gives a whole page at most, by the index of its published events.
fn statement(contexts: &BTreeSet<Context>) -> String {
    let of_context = |context: &Context| {
        format!(
            "(SELECT id, published_at, event FROM {}.outbox
            WHERE published_at >= $1 AND published_at < $2 AND created_at >= $8 AND event ->> 'type' = ANY ($3)
                AND ($4 IS NULL OR event ->> 'subject' = $4) AND ($5 IS NULL OR (published_at, id) > ($5, $6))
            ORDER BY published_at, id LIMIT $7)",
            context.name()
        )
    };
    let pages: Vec<String> = contexts.iter().map(of_context).collect();
    format!(
        "SELECT id, published_at, event::text AS body FROM ({}) AS page ORDER BY published_at, id LIMIT $7",
        pages.join(" UNION ALL ")
    )
}

impl EventHistory for PgEventHistory {
    async fn published(
        &self,
        selection: &Selection,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<PublishedEvent>, Failure> {
        let (at, id) = cursor.map(parse_cursor).transpose()?.unzip();
        let page_size = usize::try_from(limit).map_err(Failure::internal)?;
        let events = selection.types.iter().filter_map(|name| catalog::find_event(name));
        let contexts: BTreeSet<Context> = events.map(|event| event.context).collect();
        let subject = selection.subject.map(|subject| subject.to_string());
        let size = i64::from(limit) + 1;
        let Selection { from, to, types, happened_from, .. } = selection;
        let params = params![*from, *to, types, subject, at, id, size, *happened_from];
        let rows = self.database.query(&statement(&contexts), &params).await?;
        let mut positions = Vec::new();
        let mut items = Vec::new();
        for row in rows.iter().take(page_size) {
            positions.push((get::<Timestamp>(row, "published_at")?, get::<Uuid>(row, "id")?));
            items.push(PublishedEvent { id: get(row, "id")?, body: get(row, "body")? });
        }
        let last = positions.last().filter(|_| rows.len() > page_size);
        Ok(Page { items, next: last.map(|(at, id)| format_position(*at, *id)) })
    }
}
