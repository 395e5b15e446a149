//! Every route by its name, over the in-memory platform and through its real runner.

use crate::functions::{
    accounts::{erase as erase_user, update as update_user},
    browser_sessions::{log_out, refresh},
    clients::issue as issue_token,
    http::register as register_user,
    passwords::{change as change_password, confirm as confirm_reset, log_in},
    record_api::{add_schema, create as create_records, create_source},
    sample, sample_time,
    second_factors::{begin as begin_totp, finish as finish_login, remove as remove_totp, renew as renew_codes},
    seeded_platform,
};
use adapters::{Wiring, config::Config};
use catalog::{Context, Function};
use domain::{
    message_limits::{Budget, MessageLimits},
    order::{OrderLimits, Rates},
    payment::{AttemptLimit, RefundLimit},
    webhook::WebhookTargets,
};
use edge::{
    Clock,
    http::{Route, respond},
};
use serde_json::Value;
use testkit::{Dependency, Platform};

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Value,
    pub body: Value,
}

impl Answer {
    /// The code of a problem; empty for another response.
    pub fn code(&self) -> &str {
        self.body["type"].as_str().and_then(|kind| kind.strip_prefix("/problems/")).unwrap_or_default()
    }

    /// The first pointer of a problem; empty without one.
    pub fn pointer(&self) -> &str {
        self.body["errors"][0]["pointer"].as_str().unwrap_or_default()
    }
}

/// The routes over one platform, with a product in stock and its customer's contact.
pub struct Api {
    pub platform: Platform,
    pub limits: MessageLimits,
}

/// Calls the handler of the function named `$name` with its ports.
macro_rules! dispatch {
    ($name:expr, $route:expr, $event:expr; $($constant:ident => |$call:ident| $handled:expr;)*) => {
        match $name {
            $(name if name == catalog::$constant.name => {
                respond($route, $event, &clock(), &async |$call| $handled.await).await
            })*
            other => panic!("{other} has no handler here: add it"),
        }
    };
}

fn clock() -> Clock {
    Clock::at(sample_time(), 7)
}

impl Api {
    pub fn new() -> Self {
        Self { platform: seeded_platform(), limits: MessageLimits::default() }
    }

    /// The response to a sample of `function`: the name of a file, or edits of `ok.json`.
    pub async fn sample(&self, function: &'static Function, case: &str) -> Answer {
        self.send(function, sample(function, case)).await
    }

    /// The response to an event of API Gateway.
    pub async fn send(&self, function: &'static Function, event: Value) -> Answer {
        let response = self.respond(function, event).await;
        let status = response["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok()).expect("a status");
        let text = response["body"].as_str().unwrap_or_default();
        let body = serde_json::from_str(text).unwrap_or(Value::Null);
        Answer { status, headers: response["headers"].clone(), body }
    }

    async fn respond(&self, function: &'static Function, event: Value) -> Value {
        let route = &Wiring::new(function, Config::from_vars([])).route().expect("a route");
        match function.context {
            Context::Identity => self.respond_of_identity(function, route, event).await,
            Context::Records => self.respond_of_records(function, route, event).await,
            Context::Payments => self.respond_of_payments(function, route, event).await,
            Context::Catalogue | Context::Inventory => self.respond_of_products(function, route, event).await,
            _ => self.respond_of_orders(function, route, event).await,
        }
    }

    async fn respond_of_identity(&self, function: &'static Function, route: &Route, event: Value) -> Value {
        let p = &self.platform;
        dispatch! { function.name, route, event;
            USER_REGISTER => |call| register_user(p, &self.limits, Budget::hourly(20), call);
            USER_LOGIN => |call| log_in(p, call);
            USER_LOGIN_MFA => |call| finish_login(p, call);
            TOTP_BEGIN => |call| begin_totp(p, call);
            TOTP_CONFIRM => |call| totp_confirm::handle(&p.users(), &p.tokens(), call);
            TOTP_REMOVE => |call| remove_totp(p, call);
            RECOVERY_CODE_RENEW => |call| renew_codes(p, call);
            TOKEN_REFRESH => |call| refresh(p, call);
            USER_LOGOUT => |call| log_out(p, call);
            USER_GET => |call| user_get::handle(&p.users(), call);
            USER_UPDATE => |call| update_user(p, call);
            USER_DELETE => |call| user_delete::handle(&p.users(), &p.revocations(), call);
            USER_ERASE => |call| erase_user(p, call);
            USER_EXPORT => |call| user_export::handle(&p.users(), call);
            PASSWORD_CHANGE => |call| change_password(p, call);
            PASSWORD_RESET_REQUEST => |call| password_reset_request::handle(&p.users(), call);
            PASSWORD_RESET_CONFIRM => |call| confirm_reset(p, call);
            USER_ROLE_UPDATE => |call| user_role_update::handle(&p.users(), &p.revocations(), call);
            USER_STATUS_UPDATE => |call| user_status_update::handle(&p.users(), &p.revocations(), call);
            USER_INVITE => |call| user_invite::handle(&p.users(), &p.passwords(), &p.tokens(), call);
            USER_SEARCH => |call| user_search::handle(&p.users(), call);
            SESSION_LIST => |call| session_list::handle(&p.users(), call);
            SESSION_END => |call| session_end::handle(&p.users(), &p.revocations(), call);
            SESSION_REVOKE => |call| session_revoke::handle(&p.users(), &p.revocations(), call);
            VERIFICATION_REQUEST => |call| verification_request::handle(&p.users(), &self.limits, call);
            CONTACT_VERIFY => |call| contact_verify::handle(&p.users(), &p.tokens(), call);
            CLIENT_CREATE => |call| client_create::handle(&p.users(), &p.tokens(), &p.sealer(), call);
            CLIENT_LIST => |call| client_list::handle(&p.users(), call);
            CLIENT_SECRET_ROTATE => |call| client_secret_rotate::handle(&p.users(), &p.tokens(), &p.sealer(), call);
            CLIENT_DELETE => |call| client_delete::handle(&p.users(), &p.revocations(), call);
            TOKEN_ISSUE => |call| issue_token(p, call);
            JWKS_GET => |call| jwks_get::handle(&p.tokens(), call);
        }
    }

    async fn respond_of_products(&self, function: &'static Function, route: &Route, event: Value) -> Value {
        let p = &self.platform;
        dispatch! { function.name, route, event;
            PRODUCT_CREATE => |call| product_create::handle(&p.products(), call);
            PRODUCT_LIST => |call| product_list::handle(&p.products(), &p.product_index(), call);
            CATEGORY_LIST => |call| category_list::handle(&p.product_index(), call);
            PRODUCT_PRICE_LIST => |call| product_price_list::handle(&p.product_index(), call);
            PRODUCT_IMPORT_CREATE => |call| product_import_create::handle(&p.jobs(), &p.product_files(), call);
            PRODUCT_IMPORT_LIST => |call| product_import_list::handle(&p.jobs(), call);
            PRODUCT_IMPORT_GET => |call| product_import_get::handle(&p.jobs(), &p.product_files(), call);
            PRODUCT_EXPORT_CREATE => |call| product_export_create::handle(&p.jobs(), call);
            PRODUCT_EXPORT_LIST => |call| product_export_list::handle(&p.jobs(), call);
            PRODUCT_EXPORT_GET => |call| product_export_get::handle(&p.jobs(), &p.product_files(), call);
            IMAGE_ADD => |call| image_add::handle(&p.products(), &p.image_objects(), call);
            IMAGE_LIST => |call| image_list::handle(&p.products(), call);
            IMAGE_GET => |call| image_get::handle(&p.image_objects(), call);
            IMAGE_DELETE => |call| image_delete::handle(&p.products(), &p.cache(), &p.image_objects(), call);
            PRODUCT_UPDATE => |call| product_update::handle(&p.products(), &p.cache(), call);
            PRODUCT_DELETE => |call| product_delete::handle(&p.products(), &p.cache(), call);
            PRODUCT_GET => |call| product_get::handle(&p.products(), &p.cache(), call);
            STOCK_GET => |call| stock_get::handle(&p.stock(), call);
            STOCK_ADJUST => |call| stock_adjust::handle(&p.stock(), call);
            STOCK_MOVEMENT_LIST => |call| stock_movement_list::handle(&p.stock(), call);
        }
    }

    async fn respond_of_records(&self, function: &'static Function, route: &Route, event: Value) -> Value {
        let p = &self.platform;
        dispatch! { function.name, route, event;
            RECORD_CREATE => |call| create_records(p, 200_000, call);
            RECORD_GET => |call| record_get::handle(&p.records(), &p.cache(), &p.records(), call);
            RECORD_LIST => |call| record_list::handle(&p.records(), &p.records(), call);
            RECORD_ROLLUP_LIST => |call| record_rollup_list::handle(&p.records(), call);
            SOURCE_CREATE => |call| create_source(p, call);
            SOURCE_LIST => |call| source_list::handle(&p.sources(), call);
            SOURCE_GET => |call| source_get::handle(&p.sources(), call);
            SOURCE_SCHEMA_ADD => |call| add_schema(p, call);
            SOURCE_CLOSE => |call| source_close::handle(&p.sources(), call);
        }
    }

    async fn respond_of_payments(&self, function: &'static Function, route: &Route, event: Value) -> Value {
        let p = &self.platform;
        dispatch! { function.name, route, event;
            PAYMENT_PROCESS => |call| payment_process::handle(&p.payments(), AttemptLimit::default(), call);
            PAYMENT_GET => |call| payment_get::handle(&p.payments(), call);
            PAYMENT_GET_ORDER => |call| payment_get_order::handle(&p.payments(), call);
            PAYMENT_WEBHOOK => |call| payment_webhook::handle(&p.payments(), &p.webhook_verifier(), &p.gateway(), call);
            DISPUTE_LIST => |call| dispute_list::handle(&p.payments(), call);
            MISMATCH_LIST => |call| mismatch_list::handle(&p.payments(), call);
            LEDGER_GET => |call| ledger_get::handle(&p.ledger(), call);
            REFUND_REQUEST => |call| refund_request::handle(&p.payments(), RefundLimit::default(), call);
            REFUND_APPROVAL_LIST => |call| refund_approval_list::handle(&p.payments(), call);
            REFUND_APPROVAL_DECIDE => |call| refund_approval_decide::handle(&p.payments(), call);
            PAYMENT_METHOD_ADD => |call| payment_method_add::handle(&p.payments(), &p.gateway(), call);
            PAYMENT_METHOD_LIST => |call| payment_method_list::handle(&p.payments(), call);
            PAYMENT_METHOD_CHOOSE => |call| payment_method_choose::handle(&p.payments(), call);
            PAYMENT_METHOD_DELETE => |call| payment_method_delete::handle(&p.payments(), &p.gateway(), call);
        }
    }

    async fn respond_of_orders(&self, function: &'static Function, route: &Route, event: Value) -> Value {
        let p = &self.platform;
        dispatch! { function.name, route, event;
            ORDER_PLACE => |call| order_place::handle(&p.orders(), &p.product_snapshots(), (OrderLimits::default(), &Rates::default()), call);
            ORDER_GET => |call| order_get::handle(&p.orders(), call);
            ORDER_LIST => |call| order_list::handle(&p.orders(), call);
            ORDER_LIST_USER => |call| order_list_user::handle(&p.orders(), call);
            ORDER_CANCEL => |call| order_cancel::handle(&p.orders(), call);
            ORDER_STATUS_UPDATE => |call| order_status_update::handle(&p.orders(), call);
            ORDER_NOTE_ADD => |call| order_note_add::handle(&p.orders(), call);
            ORDER_NOTE_LIST => |call| order_note_list::handle(&p.orders(), call);
            ORDER_ADDRESS_UPDATE => |call| order_address_update::handle(&p.orders(), call);
            NOTIFICATION_SEND => |call| notification_send::handle(&p.contacts(), &self.limits, call);
            NOTIFICATION_LIST => |call| notification_list::handle(&p.contacts(), call);
            PREFERENCES_GET => |call| preferences_get::handle(&p.contacts(), call);
            PREFERENCES_UPDATE => |call| preferences_update::handle(&p.contacts(), call);
            TEMPLATE_GET => |call| template_get::handle(&p.contacts(), &p.message_templates(), call);
            TEMPLATE_UPDATE => |call| template_update::handle(&p.contacts(), &p.message_templates(), call);
            TEMPLATE_PREVIEW => |call| template_preview::handle(&p.message_templates(), call);
            DEVICE_REGISTER => |call| device_register::handle(&p.contacts(), &p.push_sender(), call);
            DEVICE_REMOVE => |call| device_remove::handle(&p.contacts(), call);
            WEBHOOK_ENDPOINT_CREATE => |call| webhook_endpoint_create::handle(&p.webhooks(), &p.sealer(), &WebhookTargets::default(), call);
            WEBHOOK_ENDPOINT_LIST => |call| webhook_endpoint_list::handle(&p.webhooks(), call);
            WEBHOOK_ENDPOINT_GET => |call| webhook_endpoint_get::handle(&p.webhooks(), call);
            WEBHOOK_ENDPOINT_UPDATE => |call| webhook_endpoint_update::handle(&p.webhooks(), &WebhookTargets::default(), call);
            WEBHOOK_ENDPOINT_DELETE => |call| webhook_endpoint_delete::handle(&p.webhooks(), call);
            WEBHOOK_SECRET_ROTATE => |call| webhook_secret_rotate::handle(&p.webhooks(), &p.sealer(), call);
            WEBHOOK_ENDPOINT_TEST => |call| webhook_endpoint_test::handle(&p.webhooks(), &p.sealer(), &p.webhook_receiver(), call);
            WEBHOOK_DELIVERY_LIST => |call| webhook_delivery_list::handle(&p.webhooks(), call);
            WEBHOOK_DELIVERY_RETRY => |call| webhook_delivery_retry::handle(&p.webhooks(), &p.sealer(), &p.webhook_receiver(), call);
            INVOICE_GET => |call| invoice_get::handle(&p.invoices(), &p.documents(), call);
            INVOICE_LIST => |call| invoice_list::handle(&p.invoices(), &p.documents(), call);
            CREDIT_NOTE_LIST => |call| credit_note_list::handle(&p.invoices(), &p.documents(), call);
            ORDER_STUCK_LIST => |call| order_stuck_list::handle(&p.orders(), call);
            SETTING_LIST => |call| setting_list::handle(&[], call);
            QUEUE_LIST => |call| queue_list::handle(&p.queues(), &p.queues(), call);
            DEAD_LETTER_LIST => |call| dead_letter_list::handle(&p.queues(), &p.event_records(), call);
            QUEUE_REDRIVE => |call| queue_redrive::handle(&p.queues(), &p.event_log(), &p.operator_actions(), &p.event_records(), call);
            CONSUMER_STATE_UPDATE => |call| consumer_state_update::handle(&p.queues(), &p.operator_actions(), call);
            EVENT_REPLAY => |call| event_replay::handle(&p.outbox(), &p.queues(), &p.operator_actions(), call);
            OPERATOR_ACTION_LIST => |call| operator_action_list::handle(&p.operator_actions(), call);
            ORDER_TIMELINE_GET => |call| order_timeline_get::handle(&p.event_records(), call);
            ANALYTICS_SUMMARY_GET => |call| analytics_summary_get::handle(&p.windows(), call);
            ANOMALY_LIST => |call| anomaly_list::handle(&p.windows(), call);
            WINDOW_LIST => |call| window_list::handle(&p.windows(), call);
            ROUTE_DEFAULT => |call| route_default::handle(call);
            HEALTH_GET => |call| health_get::handle(call);
            READY_GET => |call| ready_get::handle(&p.probe(Dependency::Database), &p.probe(Dependency::Cache), call);
            OPENAPI_GET => |call| openapi_get::handle(call);
            ASYNCAPI_GET => |call| asyncapi_get::handle(call);
            DOCS_GET => |call| docs_get::handle(call);
            PROBLEM_GET => |call| problem_get::handle(call);
        }
    }

    /// What is stored and published: users, orders, products, events.
    pub fn state(&self) -> [usize; 4] {
        let p = &self.platform;
        [p.users().all().len(), p.orders().all().len(), p.products().all().len(), p.bus().published().len()]
    }
}
