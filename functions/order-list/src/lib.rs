//! `GET /api/v1/orders`: the caller's orders; for staff, those of all customers.
//!
//! Filters: `status`, `user_id`, `number` (the end of the id, which messages and invoices print), `from` and `to` (time of placement, `to`
//! excluded), `currency` with `min_amount` and `max_amount` (minor units of the total). `sort` is `-created_at`, the default, `created_at`,
//! `-total_amount` or `total_amount`. A customer's list has their own orders only: 404 for the id of somebody else.

use api::{ListView, OrderView};
use domain::{
    id::UserId,
    money::{Amount, Currency},
    order::{Filter, OrderNumber, Sort, Status},
    user,
};
use edge::http::{Call, NoBody, Reply};
use kernel::Failure;
use ports::OrderSearch;
use services::page_within;

/// Lists one page of orders.
pub async fn handle(orders: &impl OrderSearch, call: Call<NoBody>) -> Result<Reply<ListView<OrderView>>, Failure> {
    let (page, filter) = (call.page()?, filter(&call)?);
    let list = async |limit| orders.search(&filter, limit, page.cursor.as_deref()).await;
    Ok(Reply::ok(page_within(page.limit, list).await?.into()))
}

fn filter(call: &Call<NoBody>) -> Result<Filter, Failure> {
    let own = call.with_principal(user::owner_filter)?;
    let asked: Option<UserId> = call.query("user_id")?;
    if own.is_some() && asked.is_some_and(|asked| own != Some(asked)) {
        return Err(Failure::not_found("user"));
    }
    let filter = Filter {
        owner: own.or(asked),
        number: call.parsed("number", OrderNumber::parse)?,
        status: call.parsed("status", Status::one_of)?,
        from: call.time("from")?,
        to: call.time("to")?,
        currency: call.parsed("currency", Currency::parse)?,
        amounts: (call.parsed("min_amount", Amount::parse)?, call.parsed("max_amount", Amount::parse)?),
        sort: call.parsed("sort", Sort::one_of)?.unwrap_or_default(),
    };
    filter.check().map(|()| filter)
}
