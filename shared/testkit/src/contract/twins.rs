//! The twins in memory keep the contract.

use super::{Under, documents::Reader, migrations::Schema, outbox::Filled};
use crate::{Documents, Platform};
use kernel::Failure;

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
    cache contract_cache Platform::cache;
    contacts contract_contacts Platform::contacts;
    documents contract_documents Platform::documents;
    gateway contract_gateway Platform::gateway;
    invoices contract_invoices Platform::invoices;
    migrations contract_migrations |on: &Platform| Schema { migrations: on.migrations(), users: on.users() };
    orders contract_orders Platform::orders;
    outbox contract_outbox |on: &Platform| Filled { orders: on.orders(), outbox: on.outbox() };
    passwords contract_passwords Platform::passwords;
    payments contract_payments Platform::payments;
    products contract_products Platform::products;
    stock contract_stock Platform::stock;
    tokens contract_tokens Platform::tokens;
    users contract_users Platform::users;
    windows contract_windows Platform::windows;
}
