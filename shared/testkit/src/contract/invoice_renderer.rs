//! Contract of [`InvoiceRenderer`].

use super::{Fixture, fresh};
use crate::build::{self, OrderBuilder, usd};
use domain::{
    Money,
    id::{OrderId, ProductId},
    invoice::Invoice,
    order::MAX_LINES,
    text::ProductName,
};
use ports::InvoiceRenderer;

/// Generates one test per rule of [`InvoiceRenderer`]. The expression is a future of a `Fixture<impl InvoiceRenderer>`.
#[macro_export]
macro_rules! contract_invoice_renderer {
    ($fixture:expr) => {
        $crate::each_rule! { invoice_renderer, $fixture;
            same_invoice_renders_the_same_bytes
            another_number_renders_other_bytes
            invoice_with_many_lines_and_any_name_or_currency_renders
        }
    };
}

fn invoice(position: i64, order: &OrderBuilder) -> Invoice {
    order.invoice(position)
}

fn render(renderer: &impl InvoiceRenderer, invoice: &Invoice) -> Vec<u8> {
    let bytes = renderer.render(invoice).expect("rendered");
    assert!(bytes.starts_with(b"%PDF-"));
    bytes
}

pub async fn same_invoice_renders_the_same_bytes(fixture: &Fixture<impl InvoiceRenderer>) {
    let invoice = invoice(42, &build::order().id(OrderId(fresh())).line(1, 2).line(2, 1));
    let first = render(fixture.port(), &invoice);
    assert_eq!(render(fixture.port(), &invoice), first);
}

pub async fn another_number_renders_other_bytes(fixture: &Fixture<impl InvoiceRenderer>) {
    let order = build::order().id(OrderId(fresh()));
    assert_ne!(render(fixture.port(), &invoice(1, &order)), render(fixture.port(), &invoice(2, &order)));
}

pub async fn invoice_with_many_lines_and_any_name_or_currency_renders(fixture: &Fixture<impl InvoiceRenderer>) {
    let order = build::order().id(OrderId(fresh()));
    let long_order = (0..MAX_LINES).fold(order.clone(), |order, _| order.line_of(ProductId(fresh()), 9_999, usd(1)));
    let short_invoice = render(fixture.port(), &invoice(1, &order.clone().line(1, 1)));
    assert!(render(fixture.port(), &invoice(1, &long_order)).len() > short_invoice.len());
    for (currency, minor) in [("JPY", 1_234), ("EUR", 1_234)] {
        let price = Money::new(minor, currency).expect("an amount");
        render(fixture.port(), &invoice(1, &order.clone().line_of(ProductId(fresh()), 1, price)));
    }
    let mut odd = invoice(1, &order.line(1, 1));
    for name in ["照明 – “Lampe” ½ 🏮 ﷺ", &"W".repeat(200), "()\\ %PDF endobj <<>>"] {
        odd.draft.lines[0].product_name = ProductName::parse(name).expect("a name");
        render(fixture.port(), &odd);
    }
}
