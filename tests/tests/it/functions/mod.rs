//! Every function, run with every sample event of its folder under `events/`, over the in-memory platform.

mod access;
mod consumers;
mod http;
mod notifications;
mod order_advance;
mod orders;
mod others;
mod payments;
mod stock;

use catalog::Function;
use domain::{
    DomainEvent, Event,
    event::ProductCreated,
    id::{OrderId, PaymentId, ProductId, UserId},
    order,
    user::Role,
};
use edge::Clock;
use kernel::{Timestamp, Uuid};
use ports::{Claim, InvoiceStore, OrderStore};
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::PathBuf};
use testkit::{Platform, build};

/// The people and things that the samples speak of.
pub(crate) const USER: UserId = UserId(Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_0001));
pub(crate) const PRODUCT: ProductId = ProductId(Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_00a1));
pub(crate) const ORDER: OrderId = OrderId(Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_00b1));
pub(crate) const PAYMENT: PaymentId = PaymentId(Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_00c1));

/// The samples' moment.
pub(crate) fn moment() -> Timestamp {
    "2026-11-21T08:48:00Z".parse().expect("a timestamp")
}

fn clock() -> Clock {
    Clock::at(moment(), 7)
}

fn folder(function: &Function) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../events")).join(function.name)
}

/// A sample event of a function.
pub(crate) fn sample(function: &Function, case: &str) -> Value {
    let path = folder(function).join(format!("{case}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A test names every sample of its function: one that nobody runs is a sample that nobody believes.
#[track_caller]
fn all_samples_are_named(function: &Function, named: &[&str]) {
    let files = fs::read_dir(folder(function)).expect("a folder of samples");
    let files: BTreeSet<String> = files
        .map(|file| file.expect("a file").path().file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    assert_eq!(files, named.iter().map(|case| (*case).to_owned()).collect(), "{}", function.name);
}

/// A platform where the customer, the product and its stock are.
fn shop() -> Platform {
    let platform = Platform::new();
    platform.products().put(&build::product().id(PRODUCT).sku("LANTERN-0").stock(5).created());
    platform.stock().put(PRODUCT, 5);
    platform.contacts().put(&build::user().id(USER).contact());
    platform
}

/// The samples' order, as it was placed.
fn placed() -> order::Order {
    build::order().id(ORDER).owner(USER).line_of(PRODUCT, 2, build::usd(1999)).at(moment()).placed()
}

/// The samples' order, paid and confirmed at version 3, and the news of it.
fn confirmed() -> (order::Order, Event) {
    let held =
        order::advance(&placed(), order::Input::StockReserved.into(), moment()).expect("legal").expect("a step").0;
    let kept = order::Update { input: order::Input::StockAllocated, payment: Some((PAYMENT, 2)) };
    let (order, news) = order::advance(&held, kept, moment()).expect("legal").expect("a step");
    (order, build::event(90, news.expect("news")))
}

/// A platform where the order is paid and has its invoice.
async fn shop_with_invoice() -> Platform {
    let (platform, (order, event)) = (shop(), confirmed());
    let DomainEvent::OrderConfirmed(news) = event.event.clone() else { panic!("{event:?}") };
    platform.orders().put(&order);
    let claim = Claim { consumer: catalog::INVOICE_ISSUE.name, event_id: event.id };
    let draft = domain::invoice::draft(news, moment());
    let invoice = platform.invoices().assign_number(claim, &draft, &|_| event.clone()).await.expect("numbered");
    ports::Documents::put_once(&platform.documents(), &invoice.key(), "application/pdf", b"%PDF-".to_vec())
        .await
        .expect("kept");
    assert!(platform.orders().get(ORDER, Some(USER)).await.expect("an answer").is_some());
    platform
}

fn customer() -> domain::user::User {
    build::user().id(USER).name("ada").role(Role::Customer).registered()
}

fn lantern() -> ProductCreated {
    build::product().id(PRODUCT).stock(5).event()
}
