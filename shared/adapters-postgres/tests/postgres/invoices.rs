//! Invoices and their numbers.

use crate::fixtures::*;
use adapters_postgres::PgInvoices;
use catalog::Context;
use domain::{
    Event,
    event::InvoiceIssued,
    id::{OrderId, UserId},
    invoice::{Calendar, Draft, Invoice},
};
use futures_util::future::join_all;
use ports::InvoiceStore;

fn draft() -> Draft {
    let (order, _) = placed(UserId(id()), now());
    Draft {
        order_id: order.id,
        user_id: order.user_id,
        lines: order.lines,
        totals: domain::totals::Totals::untaxed(usd(100)),
        total: order.total,
        address: order.shipping_address,
        payment_id: domain::id::PaymentId(id()),
        seller: domain::invoice::Seller::default(),
    }
}

fn issued(invoice: &Invoice) -> Event {
    let (order_id, number, key) = (invoice.draft.order_id, invoice.number(), invoice.key());
    event(InvoiceIssued { order_id, number, key })
}

#[tokio::test]
async fn invoice_has_one_number_and_its_event_carries_it() {
    let database = database().await;
    let invoices = database.invoices();
    let draft = draft();
    let first = invoices.assign_number(&draft, &Calendar::utc(), now(), &issued).await.expect("numbered");
    assert_eq!((first.number(), &first.draft), ("2026-000001".to_owned(), &draft));
    assert_eq!(invoices.assign_number(&draft, &Calendar::utc(), now(), &issued).await.as_ref(), Ok(&first));
    let taken = database.bus().published();
    assert_eq!(taken.len(), 1);
    assert!(serde_json::to_string(&taken[0]).unwrap().contains("2026-000001"));
    assert_eq!(invoices.find(draft.order_id, None).await, Ok(Some(first.clone())));
    assert_eq!(invoices.find(draft.order_id, Some(draft.user_id)).await, Ok(Some(first)));
    assert_eq!(invoices.find(draft.order_id, Some(UserId(id()))).await, Ok(None));
    assert_eq!(invoices.find(OrderId(id()), None).await, Ok(None));
}

#[tokio::test]
async fn invoice_numbers_restart_every_year() {
    let database = database().await;
    let invoices = database.invoices();
    let mut numbers = Vec::new();
    for time in ["2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z", "2026-12-31T23:59:59Z"] {
        let invoice = invoices.assign_number(&draft(), &Calendar::utc(), at(time), &issued).await;
        numbers.push(invoice.expect("numbered").number());
    }
    assert_eq!(numbers, ["2026-000001", "2027-000001", "2026-000002"]);
}

#[tokio::test]
async fn concurrent_numbering_leaves_no_gap_and_no_duplicate() {
    let database = database().await;
    let stores: Vec<_> = (0..8).map(|_| database.invoices()).collect();
    // Some orders are delivered twice concurrently.
    let drafts: Vec<Draft> = (0..60).map(|_| draft()).collect();
    let shares = stores.iter().enumerate().map(async |(n, store)| {
        for draft in drafts.iter().skip(n % 4).step_by(4) {
            let invoice = store.assign_number(draft, &Calendar::utc(), now(), &issued).await.expect("numbered");
            assert_eq!(invoice.draft.order_id, draft.order_id);
        }
    });
    join_all(shares).await;
    let gaps = "SELECT count(*) - max(position) + count(*) - count(DISTINCT position) FROM invoices.invoices";
    assert_eq!(database.number(gaps).await, 0);
    assert_eq!(database.number("SELECT max(position) FROM invoices.invoices").await, 60);
    assert_eq!(database.number("SELECT last_number FROM invoices.series").await, 60);
    let published = "SELECT count(DISTINCT event #>> '{data,number}') FROM invoices.outbox";
    assert_eq!(database.number(published).await, 60);
}

#[tokio::test]
async fn assigning_a_number_costs_two_round_trips_and_finding_it_one() {
    let database = database().await;
    let connection = database.as_context(Context::Invoices);
    let invoices = PgInvoices::new(connection.clone(), adapters_postgres::NoEvents);
    let draft = draft();
    invoices.assign_number(&draft, &Calendar::utc(), now(), &issued).await.expect("numbered");
    assert_eq!(connection.round_trips(), 2);
    invoices.assign_number(&draft, &Calendar::utc(), now(), &issued).await.expect("found");
    assert_eq!(connection.round_trips(), 3);
}
