//! The handler of every function, run with all sample events in `events/<function>` over the in-memory fakes.

mod access;
pub(crate) mod accounts;
mod admins;
mod analytics;
mod audit;
pub(crate) mod browser_sessions;
mod canary_order;
mod category_list;
pub(crate) mod clients;
mod code_guesses;
mod consumer_state;
mod consumers;
mod credit_note_issue;
mod credit_note_list;
mod dead_letters;
mod dispute_list;
mod documents;
mod edits;
mod erasure;
mod event_forward;
pub(crate) mod http;
mod images;
mod invoice_list;
mod ledger_get;
mod message_templates;
mod mismatch_list;
mod notifications;
pub(crate) mod operations;
pub(crate) mod operators;
mod order_address_update;
mod order_advance;
mod order_note_add;
mod order_note_list;
mod orders;
mod others;
pub(crate) mod passwords;
mod payment_methods;
pub(crate) mod payments;
mod product_delete;
mod product_events;
mod product_export_list;
mod product_exports;
mod product_import_list;
mod product_imports;
mod product_index;
mod product_list;
mod product_price_list;
mod product_price_track;
mod product_update;
mod proven_passwords;
pub(crate) mod record_api;
mod records;
mod redrive_patch;
mod redrive_topics;
mod resharding;
mod restore;
mod second_factor_policy;
pub(crate) mod second_factors;
pub(crate) mod sessions;
mod setting_list;
mod stock;
mod update_failures;
mod verification;
mod webhooks;

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
use ports::{InvoiceStore, OrderStore};
use serde_json::Value;
use std::{cell::Cell, collections::BTreeSet, fs, path::PathBuf};
use testkit::{Access, Dependency, InjectedFault, Platform, build};

/// Ids in the sample events.
pub(crate) const USER: UserId = UserId(Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_0001));
pub(crate) const PRODUCT: ProductId = ProductId(Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_00a1));
pub(crate) const ORDER: OrderId = OrderId(Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_00b1));
pub(crate) const PAYMENT: PaymentId = PaymentId(Uuid::from_u128(0x0192_f0c1_0000_7000_8000_0000_0000_00c1));

/// The time of the sample events.
pub(crate) fn sample_time() -> Timestamp {
    "2026-11-21T08:48:00Z".parse().expect("a timestamp")
}

fn clock() -> Clock {
    Clock::at(sample_time(), 7)
}

fn directory(function: &Function) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../events")).join(function.name)
}

/// A sample event of a function.
pub(crate) fn sample(function: &Function, case: &str) -> Value {
    if edits::is_edit(case) {
        return edits::apply(sample(function, "ok"), case);
    }
    let path = directory(function).join(format!("{case}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Asserts that `named` lists every sample event of a function, so that none goes unused.
#[track_caller]
fn assert_all_samples_run(function: &Function, named: &[&str]) {
    let files = fs::read_dir(directory(function)).expect("a directory of samples");
    let files: BTreeSet<String> = files
        .map(|file| file.expect("a file").path().file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    assert_eq!(
        files,
        named.iter().filter(|case| !edits::is_edit(case)).map(|case| (*case).to_owned()).collect(),
        "{}",
        function.name
    );
}

/// Makes `change` before the write to the database that is the `number`-th from now on.
fn before_write(platform: &Platform, number: u32, change: impl Fn(&Platform) + 'static) {
    let (changing, writes) = (platform.clone(), Cell::new(0));
    platform.faults().intercept(move |dependency, access| {
        if (dependency, access) == (Dependency::Database, Access::Write) {
            writes.update(|count| count + 1);
            if writes.get() == number {
                change(&changing);
            }
        }
        InjectedFault::default()
    });
}

/// A platform with the customer, the product and its stock.
pub(crate) fn seeded_platform() -> Platform {
    let platform = Platform::new();
    platform.products().put(&build::product().id(PRODUCT).sku("LANTERN-0").stock(5).created());
    platform.stock().put(PRODUCT, 5);
    platform.contacts().put(&build::user().id(USER).contact());
    platform
}

/// The order of the samples, just placed.
pub(crate) fn placed() -> order::Order {
    build::order().id(ORDER).owner(USER).line_of(PRODUCT, 2, build::usd(1999)).at(sample_time()).placed()
}

/// The order of the samples, paid and confirmed at version 3, with its event.
pub(crate) fn confirmed() -> (order::Order, Event) {
    let reserved = order::advance(&placed(), order::Input::StockReserved.into(), sample_time())
        .expect("allowed")
        .expect("a transition")
        .0;
    let allocated =
        order::Update::about(order::Input::StockAllocated, order::PaymentVersion { id: PAYMENT, version: 2 });
    let (order, event) = order::advance(&reserved, allocated, sample_time()).expect("allowed").expect("a transition");
    (order, build::event(90, event.expect("an event")))
}

/// A platform where the order is paid and has an invoice.
async fn platform_with_invoice() -> Platform {
    let platform = seeded_platform();
    add_invoice(&platform).await;
    platform
}

/// Adds the order, paid, and its invoice.
pub(crate) async fn add_invoice(platform: &Platform) {
    let (order, event) = confirmed();
    let DomainEvent::OrderConfirmed(order_confirmed) = event.event.clone() else { panic!("{event:?}") };
    platform.orders().put(&order);
    let (draft, calendar) =
        (domain::invoice::draft(order_confirmed, domain::invoice::Seller::default()), domain::invoice::Calendar::utc());
    let issued = |_: &domain::invoice::Invoice| event.clone();
    let invoice = platform.invoices().assign_number(&draft, &calendar, sample_time(), &issued).await;
    let invoice = invoice.expect("numbered");
    ports::Documents::put_once(&platform.documents(), &invoice.key(), "application/pdf", b"%PDF-".to_vec())
        .await
        .expect("stored");
    assert!(platform.orders().get(ORDER, Some(USER)).await.expect("a response").is_some());
}

pub(crate) fn customer() -> domain::user::User {
    build::user().id(USER).name("ada").role(Role::Customer).registered()
}

fn lantern() -> ProductCreated {
    build::product().id(PRODUCT).stock(5).event()
}
