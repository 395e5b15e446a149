//! `GET /api/v1/orders`: the caller's orders; for staff, those of all customers.
//!
//! Filters: `status`, `user_id`, `from` and `to` (time of placement, `to` excluded), `currency` with `min_amount` and `max_amount` (minor
//! units of the total). `sort` is `-created_at`, the default, `created_at`, `-total_amount` or `total_amount`. A customer's list has
//! their own orders only: 404 for the id of somebody else.

use api::{ListView, OrderView};
use domain::{
    id::UserId,
    money::{Amount, Currency},
    order::{Filter, Sort, Status},
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
        status: parsed(call, "status", |word| Status::parse(word).ok_or("is not a status of orders".to_owned()))?,
        from: call.time("from")?,
        to: call.time("to")?,
        currency: parsed(call, "currency", Currency::parse)?,
        amounts: (amount(call, "min_amount")?, amount(call, "max_amount")?),
        sort: parsed(call, "sort", sort)?.unwrap_or_default(),
    };
    filter.check().map(|()| filter)
}

fn sort(word: &str) -> Result<Sort, String> {
    Sort::parse(word).ok_or_else(|| format!("must be one of {}", Sort::ALL.map(Sort::name).join(", ")))
}

fn amount(call: &Call<NoBody>, name: &str) -> Result<Option<Amount>, Failure> {
    let minor: Option<i64> = call.query(name)?;
    minor.map(Amount::try_from).transpose().map_err(|detail| Failure::field(format!("?{name}"), detail))
}

fn parsed<T>(
    call: &Call<NoBody>,
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, String>,
) -> Result<Option<T>, Failure> {
    let text: Option<String> = call.query(name)?;
    text.map(|text| parse(&text)).transpose().map_err(|detail| Failure::field(format!("?{name}"), detail))
}
