//! Notifications, webhooks, analytics, and what the service says of itself.

use super::{ADMIN, NEXT_DAY, NOON, ORDER, OTHER, PRODUCT, TEN_PAST, USER, examples, parsed};
use crate::Result;
use api::{
    problems::{self, ProblemTypeView},
    *,
};
use domain::{
    channel::{Channel, Template},
    notification::{Locale, NotificationOutcome},
    webhook::{DeliveryStatus, EndpointStatus},
};
use serde_json::{Value, json};

const MESSAGE: &str = "8b3a4c5d-5f0e-4a53-9c39-1f2d7e6b8a90";
const SIGNING_SECRET: &str = "whsec_ZXhhbXBsZSBzZWNyZXQgb2YgYW4gZW5kcG9pbnQ=";

examples! {
    PreferencesView = Self { channels: vec![Channel::Email.name(), Channel::Push.name()], locale: Locale::En.name() };
    DeviceView = Self { id: OTHER.into() };
    NotificationView = Self {
        id: OTHER.into(),
        user_id: USER.into(),
        order_id: Some(ORDER.into()),
        channel: Channel::Email.name(),
        template: Template::OrderConfirmed.name(),
        status: NotificationOutcome::Sent.name(),
        at: NOON.into(),
    };
    MessageTemplateView = Self {
        name: Template::OrderShipped,
        locale: Locale::En,
        version: 1,
        built_in: false,
        subject: "Your order {{ number }} is on its way".into(),
        txt: "Hello{{ \" \" ~ name if name }},\n\nYour order has shipped.".into(),
        html: "{% extends \"en/layout.html\" %}{% block body %}<p>Your order has shipped.</p>{% endblock %}".into(),
        short: "Order {{ number }} is on its way.".into(),
        versions: vec![TemplateVersionView {
            version: 1,
            built_in: false,
            reason: parsed(json!("Shorter"))?,
            edited_by: ADMIN.into(),
            edited_at: NOON.into(),
        }],
    };
    TemplatePreviewView = Self {
        subject: "Your order 0123456789AB is on its way".into(),
        txt: "Hello Ada Lovelace,\n\nYour order has shipped.".into(),
        html: "<!doctype html>\n<html lang=\"en\"><body><p>Your order has shipped.</p></body></html>".into(),
        short: "Order 0123456789AB is on its way.".into(),
    };
    WebhookEndpointView = Self {
        id: OTHER.into(),
        url: parsed(json!("https://example.com/webhooks"))?,
        event_types: parsed(json!(["OrderConfirmed.v1", "OrderPlaced.v1"]))?,
        description: Some(parsed(json!("Warehouse"))?),
        status: EndpointStatus::Enabled,
        disabled_reason: None,
        failing_since: None,
        previous_secret_expires_at: None,
        created_by: ADMIN.into(),
        created_at: NOON.into(),
        updated_at: NOON.into(),
        version: 1,
    };
    NewWebhookEndpointView = Self {
        id: OTHER.into(),
        secret: SIGNING_SECRET.into(),
        url: parsed(json!("https://example.com/webhooks"))?,
        event_types: parsed(json!(["OrderConfirmed.v1", "OrderPlaced.v1"]))?,
        description: Some(parsed(json!("Warehouse"))?),
        status: EndpointStatus::Enabled,
        created_by: ADMIN.into(),
        created_at: NOON.into(),
        version: 1,
    };
    WebhookSecretView = Self { secret: SIGNING_SECRET.into(), previous_secret_expires_at: NEXT_DAY.into() };
    WebhookDeliveryView = Self {
        id: OTHER.into(),
        event_type: "OrderConfirmed.v1".into(),
        status: DeliveryStatus::Pending,
        attempts: 1,
        last_attempt_at: Some(NOON.into()),
        response_status: Some(503),
        error: None,
        next_attempt_at: Some(TEN_PAST.into()),
        created_at: NOON.into(),
    };
    WindowView = Self {
        start: NOON.into(),
        end: "2026-11-21T12:05:00Z".into(),
        orders: 2,
        revenue: dollars(9736),
        average_order_value: dollars(4868),
        units: 4,
        first_orders: 1,
        repeat_orders: 1,
        payments: outcomes(),
        cancellations: vec![CancellationsView { reason: "payment_declined", orders: 1 }],
        top_products: vec![TopProductView { product_id: PRODUCT.into(), name: "Storm lantern".into(), quantity: 4 }],
        by_region: vec![RegionView { region: "US-CA".into(), orders: 2, revenue: dollars(9736) }],
        is_complete: true,
        revision: 1,
    };
    AnomalyView = Self {
        id: OTHER.into(),
        found_at: "2026-11-21T12:20:00Z".into(),
        start: NOON.into(),
        end: "2026-11-21T12:05:00Z".into(),
        currency: "USD",
        metric: "orders",
        observed: 4,
        expected: 40,
        least: 11,
        most: 69,
    };
    SummaryView = Self {
        from: "2026-11-21T00:00:00Z".into(),
        to: "2026-11-22T00:00:00Z".into(),
        complete_until: "2026-11-21T12:20:00Z".into(),
        days: vec![DayView {
            day: "2026-11-21".into(),
            orders: 2,
            revenue: dollars(9736),
            average_order_value: dollars(4868),
            units: 4,
            first_orders: 1,
            repeat_orders: 1,
            payments: outcomes(),
            peak_hour: Some(PeakHourView { start: NOON.into(), orders: 2 }),
        }],
        top_products: vec![TopProductView { product_id: PRODUCT.into(), name: "Storm lantern".into(), quantity: 4 }],
        regions: vec![RegionView { region: "US-CA".into(), orders: 2, revenue: dollars(9736) }],
        cancellations: vec![CancellationsView { reason: "payment_declined", orders: 1 }],
        customers: CustomersView { once: 1, again: 1, seconds_between_orders: Some(172_800) },
        minutes: vec![MinuteView { minute: NOON.into(), orders: 2 }],
    };
    TimelineEntryView = Self {
        id: OTHER.into(),
        kind: "OrderPlaced.v1".into(),
        source: "quayside.orders".into(),
        subject: ORDER.into(),
        sequence: 1,
        occurred_at: NOON.into(),
        since_previous_ms: None,
        published_at: Some("2026-11-21T12:00:00.021Z".into()),
        recorded_at: "2026-11-21T12:00:21Z".into(),
        correlation_id: OTHER.into(),
        trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".into()),
        actor: Some(ActorView { id: USER.into(), role: "customer".into() }),
        data: parsed(json!({ "order_id": ORDER, "user_id": USER }))?,
        deliveries: vec![HandlingView {
            failed_attempts: 0,
            last_failure: None,
            dead_lettered_at: None,
            consumer: "stock-reserve".into(),
            status: "handled",
            handled_at: Some("2026-11-21T12:00:00.084Z".into()),
            after_ms: Some(84),
        }],
    };
    StuckOrderView = Self {
        id: ORDER.into(),
        user_id: USER.into(),
        status_reason: Some("awaiting_payment"),
        next_step: "charge_payment",
        functions: vec!["payment-charge", "stock-allocate", "order-advance"],
        placed_at: NOON.into(),
        updated_at: NOON.into(),
        cancelled_at: Some("2026-11-21T14:00:00Z".into()),
        cancellation_reason: Some("payment_unreachable"),
    };
    SettingView = Self { name: "MAX_ORDER_LINES".into(), value: "100".into() };
    QueueView = Self {
        name: "payment-charge".into(),
        state: Some("running"),
        has_queue: true,
        waiting: 0,
        in_flight: 1,
        delayed: 0,
        dead_letters: 1,
    };
    ConsumerStateView = Self {
        action_id: OTHER.into(),
        consumer: "payment-charge".into(),
        state: "paused",
        changed: 1,
    };
    DeadLetterView = Self {
        id: MESSAGE.into(),
        dead_since: TEN_PAST.into(),
        reason: Some("unavailable".into()),
        detail: Some("A dependency of the service is unavailable; please try again.".into()),
        attempt: Some("41".into()),
        record_id: Some(OTHER.into()),
        bytes: 1_204,
        event: Some(DeadEventView {
            id: OTHER.into(),
            kind: "StockReserved.v1".into(),
            subject: ORDER.into(),
            occurred_at: NOON.into(),
            order_id: Some(ORDER.into()),
            correlation_id: OTHER.into(),
            data: parsed(json!({ "order_id": ORDER, "user_id": USER }))?,
        }),
        forecast: ForecastView {
            outcome: "would_retry",
            detail: "Its handler would run again.".into(),
            handled_at: None,
            failed_attempts: 41,
            last_failure: Some("unavailable".into()),
        },
        editable: vec![],
    };
    RedriveView = Self {
        action_id: Some(OTHER.into()),
        queue: "payment-charge".into(),
        redriven: 1,
        discarded: 0,
        message_ids: vec![MESSAGE.into()],
        has_more: Some(false),
        forecasts: vec![],
        edited: vec![],
        refused: vec![],
    };
    ReplayView = Self {
        action_id: Some(OTHER.into()),
        consumer: "product-index".into(),
        policy: "by_version".into(),
        replayed: 1,
        event_ids: vec![MESSAGE.into()],
        next_cursor: None,
    };
    OperatorActionView = Self {
        id: OTHER.into(),
        at: TEN_PAST.into(),
        operator_id: ADMIN.into(),
        operator_role: None,
        action: "redrive".into(),
        target: "payment-charge".into(),
        order_id: None,
        reason: Some("The gateway is back.".into()),
        request: parsed(json!({ "per_second": 5 }))?,
        outcome: Some(parsed(json!({ "matched": 1, "redriven": 1 }))?),
    };
    HealthView = Self::OK;
    ReadinessView = Self::new(vec![
        DependencyView::new("database", true, true),
        DependencyView::new("cache", false, true),
    ]);
    ProblemTypeView = {
        let problem = problems::find("insufficient-stock").ok_or("there is no such problem type")?;
        Self::new(problem, edge::http::status(problem.kind))
    };
}

fn outcomes() -> PaymentOutcomesView {
    let view = |count, cents| CountAndAmountView { count, amount: dollars(cents) };
    PaymentOutcomesView { paid: view(2, 9736), declined: view(1, 4900), refunded: view(0, 0) }
}

fn dollars(cents: i64) -> SumView {
    SumView { amount: cents, currency: "USD".into() }
}

/// The key set of `/.well-known/jwks.json`; its key is the first one of RFC 7517, appendix A.1.
pub fn key_set() -> Result<Value> {
    let (x, y) = ("MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM");
    Ok(json!({ "keys": [{ "kty": "EC", "use": "sig", "alg": "ES256", "kid": "1", "crv": "P-256", "x": x, "y": y }] }))
}

/// The head of the OpenAPI document.
pub fn openapi() -> Result<Value> {
    Ok(json!({ "openapi": "3.1.0", "info": { "title": "Quayside", "version": "1" }, "paths": {} }))
}

/// The head of the AsyncAPI document.
pub fn asyncapi() -> Result<Value> {
    Ok(json!({ "asyncapi": "3.0.0", "info": { "title": "Quayside events", "version": "1" }, "channels": {} }))
}
