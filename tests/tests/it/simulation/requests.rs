//! Requests of clients and webhooks of the gateway, through the real routes.

use super::{
    accounts::customer,
    backend::{Backend, Stores},
    commands::{Command, OrderSpec, spec},
    defects::{self, Defect},
    products,
    world::World,
};
use catalog::role;
use domain::{
    Money,
    money::Rounding,
    order::{Order, OrderLimits, Rates},
    payment::{self, RefundLimit, RefundReason, RefundStatus},
    product::CreateProduct,
    shipping::ShippingRates,
    tax::TaxRates,
};
use edge::{
    http::{Access, Call, Route},
    testing::{self, HttpEvent},
};
use ports::{ContactStore as _, GatewayEvent, Recipient};
use serde_json::{Value, json};
use std::{future::poll_fn, sync::LazyLock, task::Poll};
use testkit::{GatewayRefund, WebhookVerifier, ids};

const STAFF: Access = Access::Roles(&[role::STAFF, role::ADMIN]);
const CUSTOMER: Access = Access::Roles(&[role::CUSTOMER]);

const CREATE: Route = Route::new(catalog::PRODUCT_CREATE.name, STAFF).idempotent();
pub const PLACE: Route = Route::new(catalog::ORDER_PLACE.name, CUSTOMER).idempotent();
pub const CANCEL: Route =
    Route::new(catalog::ORDER_CANCEL.name, Access::Roles(&[role::CUSTOMER, role::STAFF, role::ADMIN]));
const UPDATE: Route = Route::new(catalog::ORDER_STATUS_UPDATE.name, STAFF);
const PAY_AGAIN: Route = Route::new(catalog::PAYMENT_PROCESS.name, CUSTOMER).idempotent();
const REFUND: Route = Route::new(catalog::REFUND_REQUEST.name, STAFF).idempotent();
const DECIDE: Route = Route::new(catalog::REFUND_APPROVAL_DECIDE.name, Access::Roles(&[role::ADMIN])).idempotent();
/// More than the smallest refund of the plans, and less than the others.
pub const REFUND_LIMIT: RefundLimit = RefundLimit { units: 1 };
const WEBHOOK: Route = Route::new(catalog::PAYMENT_WEBHOOK.name, Access::Public);

/// Tax and shipping are charged on top of the prices.
pub static RATES: LazyLock<Rates> = LazyLock::new(|| Rates {
    tax: TaxRates::parse("US:added:8.875", Rounding::HalfUp).expect("rates"),
    shipping: ShippingRates::parse("standard:USD:490,EUR:450,JPY:700").expect("methods"),
});

/// A customer who tries to cancel the orders of others.
const STRANGER: u64 = 2;
/// Numbers of the users who refund, and who decide on refunds of others.
const STAFF_MEMBER: u64 = 9;
pub const ADMIN: u64 = 8;

/// Polls after which an early webhook is skipped.
const LOOKS: usize = 12;

impl<S: Backend> World<S> {
    /// Sends command `n`. Returns whether the client considers it done.
    pub async fn request(&self, stores: &impl Stores, n: usize) -> bool {
        match self.requests[n].command {
            Command::Register => self.register(stores, n).await,
            Command::Create(number) => self.create(n, number).await,
            Command::Write => self.write(stores, n).await,
            Command::ResetPassword => self.reset_password(stores, n).await,
            Command::Erase => self.erase(stores, n).await,
            Command::Place(order) => self.place(stores, n, order).await,
            Command::Cancel(order) => self.cancel(stores, n, order, customer_of(order)).await,
            Command::CancelByStranger(order) => self.cancel(stores, n, order, STRANGER).await,
            Command::Withdraw(order) => self.update(stores, n, order, "cancelled").await,
            Command::Ship(order) => self.update(stores, n, order, "shipped").await,
            Command::Deliver(order) => self.update(stores, n, order, "delivered").await,
            Command::PayAgain(order, token) => {
                let payments = stores.payments();
                let handler = async |call| {
                    payment_process::handle(&payments, domain::payment::AttemptLimit::default(), call).await
                };
                let request = self.cache.request(n, || {
                    let body = json!({ "order_id": self.order(order).id, "payment_method": token });
                    let request = testing::http_event("POST", "/api/v1/payments/process");
                    by_customer(customer_of(order), request.key(&format!("pay-{n}")).body(body))
                });
                self.record_response(n, edge::http::respond(&PAY_AGAIN, request, &self.clock, &handler).await)
            }
            Command::Refund(order, cents) => self.refund(stores, n, order, cents).await,
            Command::RefundAtGateway(order, cents) => self.refund_at_gateway(order, cents),
            Command::ReturnRefunds(order) => self.return_refunds(order),
        }
    }

    /// Whether the customer may order: customers who want the e-mails verify their address first.
    async fn is_reachable(&self, stores: &impl Stores, customer: u64) -> bool {
        let known = stores.contacts().find(self::customer(customer)).await;
        let may_order = |known: Recipient| !self.plan.is_verified || !known.verified.is_empty();
        known.is_ok_and(|known| known.is_some_and(may_order))
    }

    async fn create(&self, n: usize, number: u64) -> bool {
        let request = self.cache.request(n, || {
            let request = testing::http_event("POST", "/api/v1/products").key(&format!("product-{number}"));
            by_staff(request.body(products::offered(number).json()))
        });
        let products = self.platform.products();
        let handler = async |mut call: Call<CreateProduct>| {
            call.ids = products::ids(number);
            product_create::handle(&products, call).await
        };
        self.record_response(n, edge::http::respond(&CREATE, request, &self.clock, &handler).await)
    }

    async fn place(&self, stores: &impl Stores, n: usize, order: usize) -> bool {
        let OrderSpec { customer, method, lines } = spec(order);
        if !self.is_reachable(stores, *customer).await {
            return false;
        }
        let write = |key: &str| {
            let body = products::order_json(lines, method);
            by_customer(*customer, testing::http_event("POST", "/api/v1/orders").key(key).body(body))
        };
        let request = match self.defect {
            Some(Defect::RetriesOrderWithNewKey) => write(&format!("order-{n}-{}", self.clock.ids().next())),
            _ => self.cache.request(n, || write(&format!("order-{n}"))),
        };
        let (orders, offers) = (stores.orders(), self.platform.product_snapshots());
        let response = match defects::place(self, &request).await {
            Some(response) => response,
            None => {
                let handler =
                    async |call| order_place::handle(&orders, &offers, (OrderLimits::default(), &RATES), call).await;
                edge::http::respond(&PLACE, request, &self.clock, &handler).await
            }
        };
        self.record_response(n, response)
    }

    async fn cancel(&self, stores: &impl Stores, n: usize, order: usize, customer: u64) -> bool {
        let orders = stores.orders();
        let handler = async |call| order_cancel::handle(&orders, call).await;
        let order = self.order(order).id;
        let request = self.cache.request(n, || {
            let request = testing::http_event("DELETE", &catalog::ORDER_CANCEL.path_of(order));
            by_customer(customer, request.path_param("id", order))
        });
        let response = match defects::cancel(self, stores, &request).await {
            Some(response) => response,
            None => edge::http::respond(&CANCEL, request, &self.clock, &handler).await,
        };
        self.record_response(n, response)
    }

    /// Sends a status change for the version that staff saw; after a conflict, the client reads the order again.
    async fn update(&self, stores: &impl Stores, n: usize, order: usize, status: &str) -> bool {
        let order = self.order(order);
        let request = testing::http_event("PATCH", &catalog::ORDER_STATUS_UPDATE.path_of(order.id))
            .path_param("id", order.id)
            .if_match(order.version)
            .body(json!({ "status": status }));
        let orders = stores.orders();
        let handler = async |call| order_status_update::handle(&orders, call).await;
        let response = edge::http::respond(&UPDATE, by_staff(request), &self.clock, &handler).await;
        self.record_response(n, response)
    }

    async fn refund(&self, stores: &impl Stores, n: usize, order: usize, cents: Option<i64>) -> bool {
        // With a defect, a command may have several orders, and another one may be the first.
        let Some(payment) = self.seen.payments.get(&self.order(order).id) else { return false };
        let request = self.cache.request(n, || {
            let mut body = json!({ "payment_id": payment.id, "reason": "requested_by_customer" });
            if let Some(cents) = cents {
                body["amount"] = json!({ "amount": cents, "currency": payment.amount.currency.code() });
            }
            let request = testing::http_event("POST", "/api/v1/payments/refund");
            by_staff(request.key(&format!("refund-{n}")).body(body))
        });
        let payments = stores.payments();
        let limit = match self.defect {
            Some(Defect::RefundsAboveLimit) => RefundLimit { units: u32::MAX },
            _ => REFUND_LIMIT,
        };
        let handler = async |call| refund_request::handle(&payments, limit, call).await;
        let response = edge::http::respond(&REFUND, request, &self.clock, &handler).await;
        let approval = waiting_approval(&response);
        if !self.record_response(n, response) {
            return false;
        }
        match approval {
            Some(refund) => self.decide(stores, n, &payment.id.to_string(), &refund).await,
            None => true,
        }
    }

    /// Whoever requested a refund tries to approve it, and then another admin does.
    async fn decide(&self, stores: &impl Stores, n: usize, payment: &str, refund: &str) -> bool {
        let payments = stores.payments();
        let handler = async |call| refund_approval_decide::handle(&payments, call).await;
        for (by, expected) in [(STAFF_MEMBER, &[403, 409][..]), (ADMIN, &[200, 409][..])] {
            let path = format!("/api/v1/payments/{payment}/refund-approvals/{refund}");
            let request = testing::http_event("PATCH", &path)
                .path_param("id", payment)
                .path_param("refund_id", refund)
                .key(&format!("decide-{n}"))
                .principal(ids::user(by).0, role::ADMIN)
                .body(json!({ "verdict": "approved" }))
                .build();
            let status = status(&edge::http::respond(&DECIDE, request, &self.clock, &handler).await);
            if status >= 500 {
                return false;
            }
            assert!(expected.contains(&status), "user {by} decides on a refund: {status}");
        }
        true
    }

    /// The gateway's dashboard refunds no more than what is left of the charge.
    fn refund_at_gateway(&self, order: usize, cents: Option<i64>) -> bool {
        let (gateway, order) = (self.platform.gateway(), self.order(order));
        let charge = gateway.charges().into_iter().find(|charge| charge.order_id == order.id).expect("a charge");
        let made = gateway.refunds().into_iter().filter(|one| one.charge == charge.transaction_id);
        let back: i64 = made.filter(|one| one.failure.is_none()).map(|one| one.amount.amount.get()).sum();
        let left = charge.amount.amount.get() - back;
        let minor = cents.unwrap_or(left).min(left);
        if minor > 0 {
            let amount = Money { amount: minor.try_into().expect("an amount"), ..charge.amount };
            gateway.refund_in_dashboard(&charge.transaction_id, amount, self.clock.now());
        }
        true
    }

    fn return_refunds(&self, order: usize) -> bool {
        let (gateway, order) = (self.platform.gateway(), self.order(order));
        let payment = &self.seen.payments[&order.id];
        let made = |refund: &&payment::Refund| {
            (refund.reason, refund.status) == (RefundReason::MadeAtGateway, RefundStatus::Succeeded)
        };
        for transaction_id in payment.refunds.iter().filter(made).filter_map(|refund| refund.transaction_id.as_deref())
        {
            let is_returned = |one: &GatewayRefund| one.transaction_id == transaction_id && one.failure.is_some();
            if !gateway.refunds().iter().any(is_returned) {
                gateway.return_refund(transaction_id, "expired_or_canceled_card");
            }
        }
        true
    }

    /// Records a final response. Returns whether it is final.
    pub fn record_response(&self, n: usize, response: Value) -> bool {
        const CHANGED: u16 = 412;
        let status = status(&response);
        let body = response["body"].as_str().unwrap_or_default();
        let may_pass = status >= 500 || status == CHANGED || body.contains("in-flight");
        if !may_pass {
            self.responses.borrow_mut().push((n, status, body.to_owned()));
        }
        !may_pass
    }

    /// Order `n` as it was last read.
    fn order(&self, n: usize) -> &Order {
        let is_it = |order: &&Order| order.payment_method.as_str() == spec(n).method;
        self.seen.orders.iter().find(is_it).expect("an order that was seen")
    }

    /// Delivers a webhook. Returns whether it is acknowledged.
    pub async fn deliver_webhook(&self, stores: &impl Stores, event: &GatewayEvent) -> bool {
        let request = testing::http_event("POST", "/api/v1/webhooks/payments")
            .header("stripe-signature", WebhookVerifier::VALID_SIGNATURE)
            .body(WebhookVerifier::body(event))
            .build();
        let (payments, mail) = (stores.payments(), self.platform.webhook_verifier());
        let gateway = self.platform.gateway();
        let handler = async |call| match self.defect {
            Some(Defect::StoresWebhookClaimSeparately) => defects::apply_unchecked(&self.platform, &mail, call).await,
            _ => payment_webhook::handle(&payments, &mail, &gateway, call).await,
        };
        status(&edge::http::respond(&WEBHOOK, request, &self.clock, &handler).await) == 204
    }

    /// Delivers a webhook about a call whose response has not arrived yet. It is not retried. Returns whether it failed.
    pub async fn deliver_early_webhook(&self, stores: &impl Stores, after: usize) -> bool {
        for _ in 0..LOOKS {
            if let Some(event) = self.platform.gateway().events_after(after).first() {
                return !self.deliver_webhook(stores, event).await;
            }
            let mut waited = false;
            poll_fn(|context| {
                context.waker().wake_by_ref();
                if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
        false
    }
}

fn customer_of(order: usize) -> u64 {
    spec(order).customer
}

fn by_customer(number: u64, request: HttpEvent) -> Value {
    request.principal(customer(number).0, role::CUSTOMER).build()
}

pub fn by_staff(request: HttpEvent) -> Value {
    request.principal(ids::user(STAFF_MEMBER).0, role::STAFF).build()
}

/// The refund that a response says waits for approval.
fn waiting_approval(response: &Value) -> Option<String> {
    let payment: Value = serde_json::from_str(response["body"].as_str()?).ok()?;
    let approval = payment["refund_approvals"].as_array()?.last()?;
    approval["verdict"].is_null().then(|| approval["id"].as_str().map(str::to_owned))?
}

fn status(response: &Value) -> u16 {
    response["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok()).unwrap_or_default()
}
