//! The twins in memory keep the contract.

use super::{Beyond, Reader, Under, Watched, ledger::Books, migrations::Schema, offers::Shelf, outbox::Filled};
use crate::{Archive, Bus, DeadLetters, Documents, EventLog, FactStream, Mailer, Platform, Products, Texter};
use domain::{Event, product::Product, text::Phone};
use edge::DeadLetter;
use kernel::Failure;
use ports::{Letter, LogRecord};

type Text = (Phone, String);

/// Four processes that take turns on one platform.
fn crowded<P>(port: impl Fn(&Platform) -> P) -> Under<P> {
    let platform = Platform::new();
    platform.faults().interleave();
    Under::new((0..4).map(|_| port(&platform)), &platform).swept_by(platform.outbox())
}

impl Reader for Documents {
    async fn read(&self, link: &str) -> Result<Vec<u8>, Failure> {
        let key = link.strip_prefix("memory:///").and_then(|rest| rest.split('?').next()).expect("a link of ours");
        self.bytes(key).ok_or_else(|| Failure::not_found("document"))
    }
}

impl Reader for Archive {
    async fn read(&self, key: &str) -> Result<Vec<u8>, Failure> {
        let found = self.objects().remove(key).map(String::into_bytes);
        found.ok_or_else(|| Failure::not_found("object"))
    }
}

impl Shelf for Products {
    async fn sell(&self, product: &Product) {
        self.put(product);
    }
}

macro_rules! beyond {
    ($($handle:ident $arrived:ident $what:ident;)*) => {
        $(
            impl Beyond<$what> for $handle {
                async fn arrived(&self, count: usize, mine: &dyn Fn(&$what) -> bool) -> Vec<$what> {
                    self.$arrived().into_iter().filter(|one| mine(one)).take(count).collect()
                }
            }
        )*
    };
}

beyond! {
    Bus published Event;
    EventLog records LogRecord;
    FactStream events Event;
    Mailer sent Letter;
    Texter sent Text;
    DeadLetters buried DeadLetter;
}

/// A port that is also what a test sees beyond it.
fn watched<P: Clone>(port: P) -> Watched<P, P> {
    Watched { beyond: port.clone(), port }
}

macro_rules! twins {
    ($($suite:ident $contract:ident $port:expr;)*) => {
        $(
            mod $suite {
                use super::*;
                crate::$contract!(async { crowded($port) });
            }
        )*
    };
}

twins! {
    archive contract_archive |on: &Platform| watched(on.archive());
    breaker contract_breaker Platform::breaker;
    bus contract_bus |on: &Platform| watched(on.bus());
    cache contract_cache Platform::cache;
    contacts contract_contacts Platform::contacts;
    dead_letters contract_dead_letters |on: &Platform| watched(on.dead_letters());
    documents contract_documents Platform::documents;
    facts contract_facts |on: &Platform| watched(on.fact_stream());
    gateway contract_gateway Platform::gateway;
    invoices contract_invoices Platform::invoices;
    ledger contract_ledger |on: &Platform| Books { payments: on.payments(), ledger: on.ledger() };
    letters contract_letters Platform::letters;
    log contract_log |on: &Platform| watched(on.event_log());
    mail contract_mail |on: &Platform| watched(on.mailer());
    migrations contract_migrations |on: &Platform| Schema { migrations: on.migrations(), users: on.users() };
    offers contract_offers |on: &Platform| Watched { port: on.offers(), beyond: on.products() };
    orders contract_orders Platform::orders;
    outbox contract_outbox |on: &Platform| Filled { orders: on.orders(), outbox: on.outbox() };
    passwords contract_passwords Platform::passwords;
    payments contract_payments Platform::payments;
    printer contract_printer Platform::printer;
    products contract_products Platform::products;
    push contract_push Platform::pusher;
    stock contract_stock Platform::stock;
    texts contract_texts |on: &Platform| watched(on.texter());
    tokens contract_tokens Platform::tokens;
    users contract_users Platform::users;
    windows contract_windows Platform::windows;
    wishes contract_wishes Platform::contacts;
}
