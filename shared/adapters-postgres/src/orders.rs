//! Orders with their lines and history.

use super::{
    Database, Relay,
    fragments::{claim, claim_if_given, insert_event},
    idempotency,
    params::params,
    rows::{Source, bigint, count, decodable, decodable_page, get, json, money, only, parsed, parsed_if, word},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    Event,
    id::{OrderId, PaymentId, ProductId, UserId},
    order::{Input, Order, ProductSnapshot, Reason, State, Status, Tracking, Transition},
    text::PaymentMethod,
};
use kernel::{Failure, IdempotencyKey, IdempotencyOutcome, StoredReply, Timestamp, Uuid};
use ports::{
    Bus, Claim, OrderStore, Page, PlacementConditions, PriceCopy, PriceSource, Quote, TimeCursor, TransitionOutcome,
};
use serde_json::{Value, json as object};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
};
use tokio_postgres::{Row, types::Json};

const PLACE: &str = "
    SELECT * FROM place($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)";

/// An order as one row, with its lines as JSON of the domain type.
macro_rules! select_order {
    () => {
        "SELECT o.*, (
            SELECT jsonb_agg(jsonb_build_object(
                'product_id', l.product_id,
                'product_name', l.product_name,
                'quantity', l.quantity,
                'unit_price', jsonb_build_object('amount', l.unit_price, 'currency', o.currency),
                'line_total', jsonb_build_object('amount', l.line_total, 'currency', o.currency),
                'tax', CASE WHEN l.tax IS NOT NULL THEN jsonb_build_object('rate', l.tax_rate,
                    'amount', jsonb_build_object('amount', l.tax, 'currency', o.currency)) END
            ) ORDER BY l.position) FROM order_lines AS l WHERE l.order_id = o.id
        ) AS lines FROM orders AS o "
    };
}

pub(super) use select_order;

const GET: &str = concat!(select_order!(), "WHERE o.id = $1 AND ($2 IS NULL OR o.user_id = $2)");

const LIST: &str = concat!(
    select_order!(),
    "WHERE o.user_id = $1 AND ($2 IS NULL OR (o.created_at, o.id) < ($2, $3))
    ORDER BY o.created_at DESC, o.id DESC LIMIT $4",
);

/// Locks the order if it still has the version that the transition starts from. Otherwise nothing is written, and `known` says whether the
/// claim already exists.
const ADVANCE: &str = concat!(
    "WITH before AS (
        SELECT id FROM orders WHERE id = $3 AND version = $4 - 1 FOR NO KEY UPDATE
    ), ",
    claim_if_given!(),
    ", updated AS (
        UPDATE orders AS o SET status = $5, reason = $6, payment_id = $7, payment_version = $8, version = $4, updated_at = $9,
            history = $10, shipping_address = $12, tracking = $13
        FROM proceed_rows WHERE o.id = proceed_rows.id
        RETURNING o.id
    ), ",
    insert_event!("$11", from "updated"),
    " SELECT EXISTS (SELECT FROM updated) AS updated,
        EXISTS (SELECT FROM inbox WHERE consumer = $1 AND event_id = $2) AS known",
);

/// Pending orders that wait for the inventory or the gateway. Backorders never time out.
const STUCK: &str = concat!(
    select_order!(),
    "WHERE o.status = 'pending' AND o.created_at < $1 AND o.reason = ANY ($2)
        AND ($4 IS NULL OR (o.created_at, o.id) > ($4, $5))
    ORDER BY o.created_at, o.id LIMIT $3",
);

const PENDING: &str =
    "SELECT reason, count(*) AS orders FROM orders WHERE status = 'pending' AND reason IS NOT NULL GROUP BY reason";

/// Prices, with the stored response of the idempotency key if there is one.
const QUOTE: &str = "
    SELECT false AS is_new, record.fingerprint, record.status, record.headers, record.body, (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'product_id', p.product_id,
            'name', p.name,
            'category', p.category,
            'price', jsonb_build_object('amount', p.price, 'currency', p.currency),
            'active', p.active,
            'version', p.version
        )), '[]') FROM product_prices AS p WHERE p.product_id = ANY ($3)
    ) AS products
    FROM (VALUES (1)) AS one
    LEFT JOIN idempotency AS record ON record.scope = $1 AND record.key = $2 AND record.expires_at > now()";

const TRACK: &str = concat!("WITH ", claim!(), " SELECT learn_prices($3) AS stored FROM claim");

/// Capacity of the price cache of a process. An entry takes about 200 bytes.
const PRICE_CACHE_CAPACITY: usize = 10_000;

#[derive(Debug)]
pub struct PgOrders<B> {
    pub(super) relay: Relay<B>,
    /// Prices that this process has read or committed.
    price_cache: Mutex<HashMap<ProductId, ProductSnapshot>>,
}

impl<B: Bus> PgOrders<B> {
    /// `database` logs in as the role of orders.
    pub fn new(database: Arc<Database>, bus: B) -> Self {
        Self { relay: Relay::new(catalog::Context::Orders, database, bus), price_cache: Mutex::default() }
    }

    /// The cached snapshots of these products; `None` if one is missing.
    fn cached_prices(&self, products: &[ProductId]) -> Option<Vec<ProductSnapshot>> {
        let price_cache = self.price_cache.lock().unwrap_or_else(PoisonError::into_inner);
        products.iter().map(|product| price_cache.get(product).cloned()).collect()
    }

    fn cache_prices(&self, products: &[ProductSnapshot]) {
        let mut price_cache = self.price_cache.lock().unwrap_or_else(PoisonError::into_inner);
        if price_cache.len() + products.len() > PRICE_CACHE_CAPACITY {
            price_cache.clear();
        }
        price_cache.extend(products.iter().map(|product| (product.product_id, product.clone())));
    }
}

impl<B: Bus> PriceCopy for PgOrders<B> {
    async fn track(&self, claim: Claim, product: &ProductSnapshot) -> Result<bool, Failure> {
        let params = params![claim.consumer, claim.event_id, Json([product])];
        let rows = self.relay.database().query(TRACK, &params).await?;
        rows.first().map_or(Ok(false), |row| Ok(count(row, "stored")? > 0))
    }

    async fn quote(&self, key: &IdempotencyKey, products: &[ProductId], enough: PriceSource) -> Result<Quote, Failure> {
        if enough == PriceSource::Cached
            && let Some(products) = self.cached_prices(products)
        {
            return Ok(Quote { first: None, products, source: PriceSource::Cached });
        }
        let ids: Vec<Uuid> = products.iter().map(|product| product.0).collect();
        let rows = self.relay.database().query(QUOTE, &params![&key.scope, &key.key, ids]).await?;
        let products: Vec<ProductSnapshot> = json(only(&rows)?, "products")?;
        self.cache_prices(&products);
        let first = match idempotency::outcome(key, &rows)? {
            Some(IdempotencyOutcome::Replayed(first)) => Some(first),
            _ => None,
        };
        Ok(Quote { first, products, source: PriceSource::Current })
    }
}

impl<B: Bus> OrderStore for PgOrders<B> {
    async fn place(
        &self,
        order: &Order,
        key: &IdempotencyKey,
        reply: &StoredReply,
        event: &Event,
        conditions: &PlacementConditions<'_>,
    ) -> Result<IdempotencyOutcome, Failure> {
        let params = params![
            &key.scope,
            &key.key,
            &key.fingerprint,
            idempotency::reply_head(reply),
            &reply.body,
            order.id.0,
            order.user_id.0,
            order.status.name(),
            order.reason.map(Reason::name),
            order.total.amount.get(),
            order.total.currency.code(),
            Json(&order.shipping_address),
            order.payment_method.as_str(),
            order.payment_id.map(|id| id.0),
            bigint(order.version)?,
            order.created_at,
            order.updated_at,
            Json(&order.history),
            Json(&order.lines),
            Json(event),
            Json(conditions_json(conditions)),
            Json(&order.totals),
        ];
        let outcome = idempotency::execute(self.relay.database(), key, PLACE, &params).await?;
        if outcome == IdempotencyOutcome::Committed {
            self.cache_prices(conditions.fetched);
            self.relay.publish(std::slice::from_ref(event)).await;
        }
        Ok(outcome)
    }

    async fn store_response(&self, key: &IdempotencyKey, reply: &StoredReply) -> Result<IdempotencyOutcome, Failure> {
        idempotency::store_response(self.relay.database(), key, reply).await
    }

    async fn get(&self, id: OrderId, owner: Option<UserId>) -> Result<Option<Order>, Failure> {
        let rows = self.relay.database().query(GET, &params![id.0, owner.map(|owner| owner.0)]).await?;
        rows.first().map(order).transpose()
    }

    async fn list(&self, owner: UserId, limit: u32, cursor: Option<&str>) -> Result<Page<Order>, Failure> {
        let (at, id) = cursor.map(parse_cursor).transpose()?.unzip();
        let page_size = usize::try_from(limit).map_err(Failure::internal)?;
        let params = params![owner.0, at, id, i64::from(limit) + 1];
        let rows = self.relay.database().query(LIST, &params).await?;
        let items: Vec<Order> = rows.iter().take(page_size).map(order).collect::<Result<_, _>>()?;
        let next = if rows.len() > page_size { items.last().map(format_cursor) } else { None };
        Ok(Page { items, next })
    }

    async fn advance(
        &self,
        claim: Option<Claim>,
        order: &Order,
        event: Option<&Event>,
    ) -> Result<TransitionOutcome, Failure> {
        let params = params![
            claim.map(|claim| claim.consumer),
            claim.map(|claim| claim.event_id),
            order.id.0,
            bigint(order.version)?,
            order.status.name(),
            order.reason.map(Reason::name),
            order.payment_id.map(|id| id.0),
            bigint(order.payment_version)?,
            order.updated_at,
            Json(&order.history),
            event.map(Json),
            Json(&order.shipping_address),
            order.tracking.as_ref().map(Json),
        ];
        let rows = self.relay.database().query(ADVANCE, &params).await?;
        let row = only(&rows)?;
        if get(row, "updated")? {
            if let Some(event) = event {
                self.relay.publish(std::slice::from_ref(event)).await;
            }
            return Ok(TransitionOutcome::Applied);
        }
        Ok(if get(row, "known")? { TransitionOutcome::AlreadyApplied } else { TransitionOutcome::VersionConflict })
    }

    async fn stuck(&self, before: Timestamp, limit: u32, after: Option<TimeCursor>) -> Result<Vec<Order>, Failure> {
        let times_out = |reason: &Reason| {
            let state = State::of(Status::Pending, Some(*reason));
            matches!(domain::order::next(state, Input::TimedOut), Transition::To(..))
        };
        let reasons: Vec<&str> = Reason::ALL.into_iter().filter(times_out).map(Reason::name).collect();
        let page = async |after: Option<(Timestamp, Uuid)>| {
            let (at, id) = after.unzip();
            let params = params![before, reasons.clone(), i64::from(limit), at, id];
            self.relay.database().query(STUCK, &params).await
        };
        let after = after.map(|after| (after.at, after.id));
        decodable_page("orders.orders", after, ("created_at", "id"), page, order).await
    }

    async fn pending(&self) -> Result<BTreeMap<Reason, u64>, Failure> {
        let rows = self.relay.database().query(PENDING, &[]).await?;
        let reason = |row: &Row| {
            let reason = parsed(row, "reason", |name| Reason::parse(name).ok_or("is an unknown reason"))?;
            Ok((reason, count(row, "orders")?))
        };
        Ok(decodable(Source { table: "orders.orders", id: "reason" }, &rows, reason).into_iter().collect())
    }
}

/// The parameter `$21` of [`PLACE`].
fn conditions_json(conditions: &PlacementConditions<'_>) -> Value {
    let mut json = object!({ "prices": conditions.prices, "learned": conditions.fetched });
    if let Some(limits) = conditions.limits {
        let is_unpaid = |reason: &Reason| State::of(Status::Pending, Some(*reason)).is_unpaid();
        let unpaid: Vec<_> = Reason::ALL.into_iter().filter(is_unpaid).map(Reason::name).collect();
        json["limits"] = object!({
            "orders": limits.unpaid_orders, "units": limits.unpaid_units, "unpaid": unpaid,
            "delayed": limits.delayed_orders, "delay_s": domain::order::DELAY.as_secs(),
        });
    }
    json
}

pub(super) fn order(row: &Row) -> Result<Order, Failure> {
    Ok(Order {
        id: OrderId(get(row, "id")?),
        user_id: UserId(get(row, "user_id")?),
        status: word(row, "status", Status::parse)?,
        reason: parsed_if(row, "reason", |name| Reason::parse(name).ok_or("is an unknown reason"))?,
        lines: json(row, "lines")?,
        totals: json(row, "totals")?,
        total: money(row, "total_amount", "currency")?,
        shipping_address: json(row, "shipping_address")?,
        payment_method: parsed(row, "payment_method", PaymentMethod::parse)?,
        tracking: get::<Option<Json<Tracking>>>(row, "tracking")?.map(|Json(tracking)| tracking),
        payment_id: get::<Option<Uuid>>(row, "payment_id")?.map(PaymentId),
        payment_version: count(row, "payment_version")?,
        version: count(row, "version")?,
        created_at: get(row, "created_at")?,
        updated_at: get(row, "updated_at")?,
        history: json(row, "history")?,
    })
}

/// The cursor after an order: its time in microseconds and its id.
fn format_cursor(last: &Order) -> String {
    format_position(last.created_at, last.id.0)
}

/// A position in a list that is ordered by time and id, as a cursor.
pub(super) fn format_position(at: Timestamp, id: Uuid) -> String {
    let mut bytes = at.as_microsecond().to_be_bytes().to_vec();
    bytes.extend_from_slice(id.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn parse_cursor(cursor: &str) -> Result<(Timestamp, Uuid), Failure> {
    let parse = || {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (at, id) = bytes.split_first_chunk::<8>()?;
        let at = Timestamp::from_microsecond(i64::from_be_bytes(*at)).ok()?;
        Some((Some(at).filter(|at| kernel::time::is_accepted(*at))?, Uuid::from_slice(id).ok()?))
    };
    parse().ok_or_else(|| Failure::field("?cursor", "is not a cursor of this list"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_cursor_is_a_field_error() {
        for bad in ["", "!", "AAAA", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "f_________AAAAAAAAAAAAAAAAAAAAAA"]
        {
            let Err(failure) = parse_cursor(bad) else { panic!("{bad:?} was read") };
            assert_eq!(failure.fields[0].pointer, "?cursor");
        }
    }

    #[test]
    fn cursor_with_an_impossible_time_is_a_field_error() {
        for second in [Timestamp::MIN.as_second(), -210_866_803_201, -1, Timestamp::MAX.as_second()] {
            let mut bytes = (second * 1_000_000).to_be_bytes().to_vec();
            bytes.extend_from_slice(Uuid::nil().as_bytes());
            assert!(parse_cursor(&URL_SAFE_NO_PAD.encode(&bytes)).is_err(), "{second}");
        }
        let mut first = 0_i64.to_be_bytes().to_vec();
        first.extend_from_slice(Uuid::nil().as_bytes());
        assert!(parse_cursor(&URL_SAFE_NO_PAD.encode(&first)).is_ok());
    }

    #[test]
    fn statements_are_far_below_the_size_that_pins_the_proxy() {
        for sql in [PLACE, QUOTE, TRACK, idempotency::STORE_REJECTION, GET, LIST, ADVANCE, STUCK, PENDING] {
            assert!(sql.len() < 4096);
        }
    }
}
