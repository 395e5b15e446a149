//! Service level objectives, one journey of a customer each, and the burn rates of their error budgets.

use crate::{Function, Severity, functions::*};

/// Something that a customer does, and how well it has to work.
#[derive(Debug, Clone, Copy)]
pub struct Journey {
    pub name: &'static str,
    pub summary: &'static str,
    /// The functions that answer its requests; at most two, because an alarm of CloudWatch combines at most ten series.
    pub functions: &'static [&'static Function],
    /// Requests of a thousand that end without a server error.
    pub available_permille: u32,
    /// Mean duration in milliseconds.
    pub mean_ms: u32,
    /// Which percentile of the durations is at most [`Journey::within_ms`].
    pub fast: Percentile,
    pub within_ms: u32,
}

/// A percentile of durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Percentile {
    P95,
    P99,
}

impl Percentile {
    /// As CloudWatch names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::P95 => "p95",
            Self::P99 => "p99",
        }
    }

    /// Share of requests, in thousandths, that take no longer than this percentile.
    pub const fn permille(self) -> u32 {
        match self {
            Self::P95 => 950,
            Self::P99 => 990,
        }
    }
}

impl Journey {
    const fn new(name: &'static str, functions: &'static [&'static Function], summary: &'static str) -> Self {
        Self { name, summary, functions, available_permille: 999, mean_ms: 200, fast: Percentile::P95, within_ms: 500 }
    }

    /// With another mean and another duration that most stay below: of a journey that is more than one request.
    const fn with_targets(mut self, mean_ms: u32, within_ms: u32) -> Self {
        (self.mean_ms, self.within_ms) = (mean_ms, within_ms);
        self
    }

    const fn with_percentile(mut self, fast: Percentile) -> Self {
        self.fast = fast;
        self
    }
}

/// File under `docs/runbooks` of every alarm of a journey, without `.md`.
pub const JOURNEY_RUNBOOK: &str = "error-budget";

/// 99.9 % available; mean under 200 ms and 95 % within 500 ms, or 99 % of requests about records.
pub const JOURNEYS: &[Journey] = &[
    Journey::new("sign-in", &[USER_LOGIN, USER_REGISTER], "Registering, and signing in."),
    Journey::new("browse", &[PRODUCT_GET, STOCK_GET], "Looking at a product and its stock."),
    Journey::new("place-order", &[ORDER_PLACE, AUTHORIZER], "Placing an order, which passes the authorizer."),
    Journey::new("follow-order", &[ORDER_GET, ORDER_LIST], "Looking at one's orders."),
    Journey::new("cancel-order", &[ORDER_CANCEL], "Cancelling an order."),
    Journey::new("pay", &[PAYMENT_PROCESS, PAYMENT_WEBHOOK], "Retrying a payment, and the gateway's reports."),
    Journey::new("invoice", &[INVOICE_GET], "Downloading an invoice."),
    Journey::new("records", &[RECORD_CREATE, RECORD_GET], "Sending records, and looking at one.")
        .with_percentile(Percentile::P99),
    Journey::new("canary", &[CANARY_ORDER], "Ordering from login to confirmation and cancelling, as the canary does.")
        .with_targets(15_000, 30_000),
];

/// How fast an error budget of 30 days is used up, over a long window and, so that the alarm ends soon after the cause, a short one.
#[derive(Debug, Clone, Copy)]
pub struct BurnRate {
    /// Also a part of the alarms' names.
    pub name: &'static str,
    /// Multiple, in tenths, of the rate that uses up the budget in exactly 30 days.
    pub factor_tenths: u32,
    pub long_s: u32,
    pub short_s: u32,
    pub severity: Severity,
}

/// The figures of Google's *Site Reliability Workbook*, chapter 5, table 5-8, with its additional row for a day.
pub const BURN_RATES: &[BurnRate] = &[
    BurnRate { name: "1h", factor_tenths: 144, long_s: 3600, short_s: 300, severity: Severity::Page },
    BurnRate { name: "6h", factor_tenths: 60, long_s: 6 * 3600, short_s: 1800, severity: Severity::Page },
    BurnRate { name: "1d", factor_tenths: 30, long_s: 86_400, short_s: 2 * 3600, severity: Severity::Ticket },
    BurnRate { name: "3d", factor_tenths: 10, long_s: 3 * 86_400, short_s: 6 * 3600, severity: Severity::Ticket },
];
