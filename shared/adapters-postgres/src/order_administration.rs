//! Orders of all customers: lists by filter, changes of the address, and notes.

use super::{
    PgOrders,
    fragments::{insert_idempotency_record, select_idempotency_outcome},
    idempotency,
    orders::{format_position, order, parse_cursor, select_order},
    params::params,
    rows::{bigint, get, only, parsed},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    id::{NoteId, OrderId, UserId},
    money::{Amount, Currency},
    order::{Filter, Note, Order, Sort, Status},
    text::MessageText,
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp, Uuid};
use ports::{Bus, OrderAddresses, OrderNotes, OrderSearch, Page, TransitionOutcome};
use tokio_postgres::{Row, types::Json};

/// A list sorted by `$value`, in which `$after` and `$direction` belong together. `$9` and `$10` are the position to continue from.
macro_rules! search {
    ($value:literal, $after:literal, $direction:literal) => {
        concat!(
            select_order!(),
            "WHERE ($1 IS NULL OR o.user_id = $1) AND ($2 IS NULL OR o.status = $2)
                AND ($3 IS NULL OR o.created_at >= $3) AND ($4 IS NULL OR o.created_at < $4)
                AND ($5 IS NULL OR o.currency = $5) AND ($6 IS NULL OR o.total_amount >= $6)
                AND ($7 IS NULL OR o.total_amount <= $7) AND ($8 IS NULL OR right(o.id::text, 12) = $8) AND ($9 IS NULL OR (",
            $value,
            ", o.id) ",
            $after,
            " ($9, $10)) ORDER BY ",
            $value,
            " ",
            $direction,
            ", o.id ",
            $direction,
            " LIMIT $11"
        )
    };
}

const NEWEST: &str = search!("o.created_at", "<", "DESC");
const OLDEST: &str = search!("o.created_at", ">", "ASC");
const LARGEST: &str = search!("o.total_amount", "<", "DESC");
const SMALLEST: &str = search!("o.total_amount", ">", "ASC");

/// Nothing is written if the order does not have the version before `$2` any more.
const CHANGE_ADDRESS: &str = "
    WITH changed AS (
        UPDATE orders SET shipping_address = $3, version = $2, updated_at = $4 WHERE id = $1 AND version = $2 - 1
        RETURNING id
    ), noted AS (
        INSERT INTO order_notes (id, order_id, author, text, created_at)
        SELECT $5, id, $6, $7, $8 FROM changed WHERE $5 IS NOT NULL
    )
    SELECT EXISTS (SELECT FROM changed) AS is_changed";

const ADD_NOTE: &str = concat!(
    "WITH found AS (SELECT id FROM orders WHERE id = $7), ",
    insert_idempotency_record!(from "found"),
    ", added AS (
        INSERT INTO order_notes (id, order_id, author, text, created_at) SELECT $6, $7, $8, $9, $10 FROM recorded
    )",
    select_idempotency_outcome!(with "EXISTS (SELECT FROM found) AS is_found"),
);

/// The notes, or one row without a note if there is none.
const NOTES: &str = "
    SELECT n.id, n.order_id, n.author, n.text, n.created_at FROM orders AS o
    LEFT JOIN LATERAL (
        SELECT * FROM order_notes AS note
        WHERE note.order_id = o.id AND ($2 IS NULL OR (note.created_at, note.id) < ($2, $3))
        ORDER BY note.created_at DESC, note.id DESC LIMIT $4
    ) AS n ON true
    WHERE o.id = $1";

impl<B: Bus> OrderSearch for PgOrders<B> {
    async fn search(&self, filter: &Filter, limit: u32, cursor: Option<&str>) -> Result<Page<Order>, Failure> {
        let (key, id) = cursor.map(|cursor| read_cursor(filter.sort, cursor)).transpose()?.unzip();
        let at = key.map(Timestamp::from_microsecond).transpose();
        let conditions = params![
            filter.owner.map(|owner| owner.0),
            filter.status.map(Status::name),
            filter.from,
            filter.to,
            filter.currency.map(Currency::code),
            filter.amounts.0.map(Amount::get),
            filter.amounts.1.map(Amount::get),
            filter.number.map(|number| number.to_string().to_lowercase()),
        ];
        let page_size = usize::try_from(limit).map_err(Failure::internal)?;
        let (fetched, database) = (i64::from(limit) + 1, self.relay.database());
        let position = match filter.sort.is_by_amount() {
            true => params![key, id, fetched],
            false => params![at.map_err(|_| invalid_cursor())?, id, fetched],
        };
        let params: Vec<_> = conditions.into_iter().chain(position).collect();
        let sql = match filter.sort {
            Sort::Newest => NEWEST,
            Sort::Oldest => OLDEST,
            Sort::Largest => LARGEST,
            Sort::Smallest => SMALLEST,
        };
        let rows = database.query(sql, &params).await?;
        let items: Vec<Order> = rows.iter().take(page_size).map(order).collect::<Result<_, _>>()?;
        let next = items.last().filter(|_| rows.len() > page_size).map(|last| write_cursor(filter.sort, last));
        Ok(Page { items, next })
    }
}

impl<B: Bus> OrderAddresses for PgOrders<B> {
    async fn change_address(&self, order: &Order, note: Option<&Note>) -> Result<TransitionOutcome, Failure> {
        let params = params![
            order.id.0,
            bigint(order.version)?,
            Json(&order.shipping_address),
            order.updated_at,
            note.map(|note| note.id.0),
            note.map(|note| note.author.0),
            note.map(|note| note.text.as_str()),
            note.map(|note| note.created_at),
        ];
        let rows = self.relay.database().query(CHANGE_ADDRESS, &params).await?;
        Ok(match get(only(&rows)?, "is_changed")? {
            true => TransitionOutcome::Applied,
            false => TransitionOutcome::VersionConflict,
        })
    }
}

impl<B: Bus> OrderNotes for PgOrders<B> {
    async fn add_note(
        &self,
        note: &Note,
        key: Option<&IdempotencyKey>,
        reply: &StoredReply,
    ) -> Result<Option<IdempotencyOutcome>, Failure> {
        let own =
            || IdempotencyKey { scope: "order_notes".to_owned(), key: note.id.to_string(), fingerprint: String::new() };
        let key = &key.cloned().unwrap_or_else(own);
        let params = params![
            &key.scope,
            &key.key,
            &key.fingerprint,
            idempotency::reply_head(reply),
            &reply.body,
            note.id.0,
            note.order_id.0,
            note.author.0,
            note.text.as_str(),
            note.created_at,
        ];
        let rows = self.relay.database().query(ADD_NOTE, &params).await?;
        if !get::<bool>(only(&rows)?, "is_found")? {
            return Ok(None);
        }
        idempotency::stored_outcome(self.relay.database(), key, &rows).await.map(Some)
    }

    async fn notes(&self, order: OrderId, limit: u32, cursor: Option<&str>) -> Result<Option<Page<Note>>, Failure> {
        let (at, id) = cursor.map(parse_cursor).transpose()?.unzip();
        let page_size = usize::try_from(limit).map_err(Failure::internal)?;
        let rows = self.relay.database().query(NOTES, &params![order.0, at, id, i64::from(limit) + 1]).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        let mut items = Vec::new();
        for row in rows.iter().take(page_size) {
            if let Some(id) = get::<Option<Uuid>>(row, "id")? {
                items.push(note(NoteId(id), row)?);
            }
        }
        let last = items.last().filter(|_| rows.len() > page_size);
        let next = last.map(|last: &Note| format_position(last.created_at, last.id.0));
        Ok(Some(Page { items, next }))
    }
}

fn note(id: NoteId, row: &Row) -> Result<Note, Failure> {
    Ok(Note {
        id,
        order_id: OrderId(get(row, "order_id")?),
        author: UserId(get(row, "author")?),
        text: parsed(row, "text", MessageText::parse)?,
        created_at: get(row, "created_at")?,
    })
}

/// The cursor after an order: the sort, the value that it sorts by, and the id.
fn write_cursor(sort: Sort, last: &Order) -> String {
    let mut bytes = vec![tag(sort)];
    bytes.extend_from_slice(&sort.key(last).to_be_bytes());
    bytes.extend_from_slice(last.id.0.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read_cursor(sort: Sort, cursor: &str) -> Result<(i64, Uuid), Failure> {
    let parse = || {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (of, rest) = bytes.split_first()?;
        let (key, id) = rest.split_first_chunk::<8>()?;
        let key = i64::from_be_bytes(*key);
        let is_possible = sort.is_by_amount() || Timestamp::from_microsecond(key).is_ok_and(kernel::time::is_accepted);
        (*of == tag(sort) && is_possible).then_some((key, Uuid::from_slice(id).ok()?))
    };
    parse().ok_or_else(invalid_cursor)
}

fn tag(sort: Sort) -> u8 {
    match sort {
        Sort::Newest => 0,
        Sort::Oldest => 1,
        Sort::Largest => 2,
        Sort::Smallest => 3,
    }
}

fn invalid_cursor() -> Failure {
    Failure::field("?cursor", "is not a cursor of this list")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursor_of_another_sort_or_with_an_impossible_time_is_a_field_error() {
        let cursor = |tag: u8, key: i64| {
            let mut bytes = vec![tag];
            bytes.extend_from_slice(&key.to_be_bytes());
            bytes.extend_from_slice(Uuid::nil().as_bytes());
            URL_SAFE_NO_PAD.encode(bytes)
        };
        assert!(read_cursor(Sort::Newest, &cursor(0, 1)).is_ok());
        assert!(read_cursor(Sort::Largest, &cursor(2, -1)).is_ok());
        for bad in [cursor(2, 1), cursor(0, i64::MAX), cursor(0, -1), String::new(), "!".to_owned()] {
            let failure = read_cursor(Sort::Newest, &bad).expect_err("refused");
            assert_eq!(failure.fields[0].pointer, "?cursor");
        }
    }

    #[test]
    fn statements_are_far_below_the_size_that_pins_the_proxy() {
        for sql in [NEWEST, OLDEST, LARGEST, SMALLEST, CHANGE_ADDRESS, ADD_NOTE, NOTES] {
            assert!(sql.len() < 4096);
        }
    }
}
