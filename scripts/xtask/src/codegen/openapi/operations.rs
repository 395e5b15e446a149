//! The contract of every route, one entry each. A structural test compares the types and parameters with those of the handlers.

mod payments;

use super::{
    examples,
    operation::{Cookie, Operation, route, time, uuid},
};
use api::*;
use domain::{
    address::Address,
    client::{CreateClient, TokenRequest},
    consumer::UpdateConsumerState,
    image::AddImage,
    listing::{MAX_SEARCH, Sort},
    message_template::{TemplateTexts, UpdateMessageTemplate},
    notification::{Locale, Preferences, RegisterDevice, SendNotification, Template},
    order::{self, AddNote, PlaceOrder, Status, UpdateStatus},
    password_reset::{ChangePassword, ConfirmReset, RequestReset},
    personal_data::EraseAccount,
    product::{CreateProduct, UpdateProduct},
    product_import::CreateImport,
    profile::{ChangeRole, ChangeStatus, Invite, UpdateProfile},
    record_batch::SendRecords,
    redrive::Redrive,
    replay::Replay,
    second_factor::{BeginTotp, ConfirmTotp, FinishLogin, RemoveTotp},
    session::{Login, Refresh},
    source::{AddSchema, CreateSource},
    stock::AdjustStock,
    user::Register,
    verification::{RequestVerification, VerifyContact},
    webhook::{CreateEndpoint, UpdateEndpoint},
};
use serde_json::json;

/// Every route of the catalog.
pub fn routes() -> Vec<Operation> {
    let contexts = [
        identity(),
        clients_and_contacts(),
        catalogue(),
        inventory(),
        orders(),
        payments::routes(),
        notifications(),
        webhooks(),
        invoices(),
        analytics(),
        records(),
        operations(),
    ];
    contexts.into_iter().flatten().collect()
}

const OF_ADMINS: [&str; 2] = ["own-account", "last-admin"];
const OF_ERASURE: [&str; 3] = ["own-account", "last-admin", "too-many-logins"];

fn identity() -> Vec<Operation> {
    vec![
        route(catalog::USER_REGISTER).takes::<Register>().created::<UserView>().refuses(&[
            "email-taken",
            "username-taken",
            "too-many-registrations",
        ]),
        route(catalog::USER_LOGIN).takes::<Login>().ok::<TokenView>().session().refuses(&[
            "wrong-credentials",
            "too-many-logins",
            "mfa-required",
            "mfa-enrolment-required",
        ]),
        route(catalog::USER_LOGIN_MFA).takes::<FinishLogin>().ok::<TokenView>().session().refuses(&[
            "invalid-mfa-token",
            "too-many-logins",
            "wrong-code",
        ]),
        route(catalog::TOTP_BEGIN).takes::<BeginTotp>().ok::<TotpView>().refuses(&["too-many-logins", "totp-active"]),
        route(catalog::TOTP_CONFIRM).takes::<ConfirmTotp>().ok::<RecoveryCodesView>().refuses(&["totp-active"]),
        route(catalog::TOTP_REMOVE).takes::<Option<RemoveTotp>>().refuses(&["too-many-logins"]),
        route(catalog::RECOVERY_CODE_RENEW)
            .takes::<ConfirmTotp>()
            .ok::<RecoveryCodesView>()
            .refuses(&["too-many-logins"]),
        route(catalog::TOKEN_REFRESH)
            .takes::<Option<Refresh>>()
            .ok::<TokenView>()
            .cookie(Cookie::Takes)
            .refuses(&["invalid-refresh-token"]),
        route(catalog::USER_LOGOUT).cookie(Cookie::Removes),
        route(catalog::USER_GET).ok::<UserView>(),
        route(catalog::USER_UPDATE).takes::<UpdateProfile>().ok::<UserView>().if_match().refuses(&["email-taken"]),
        route(catalog::USER_DELETE).honours_if_match().refuses(&OF_ADMINS),
        route(catalog::USER_ERASE).takes::<EraseAccount>().accepted::<()>().refuses(&OF_ERASURE),
        route(catalog::USER_EXPORT).ok::<ExportView>().query(
            "cursor",
            "The `next_cursor` of the part before.",
            json!({ "type": "string" }),
        ),
        route(catalog::PASSWORD_CHANGE).takes::<ChangePassword>().refuses(&["wrong-credentials", "too-many-logins"]),
        route(catalog::PASSWORD_RESET_REQUEST).takes::<RequestReset>().accepted::<()>(),
        route(catalog::PASSWORD_RESET_CONFIRM).takes::<ConfirmReset>(),
        route(catalog::USER_INVITE).takes::<Invite>().created::<UserView>().refuses(&["email-taken", "username-taken"]),
        route(catalog::USER_SEARCH)
            .ok::<ListView<UserView>>()
            .required_query(
                "query",
                "Beginning of the e-mail address, the username or the name.",
                json!({ "type": "string", "minLength": 3, "maxLength": 100 }),
            )
            .paged(),
        route(catalog::USER_ROLE_UPDATE).takes::<ChangeRole>().ok::<UserView>().refuses(&OF_ADMINS),
        route(catalog::USER_STATUS_UPDATE).takes::<ChangeStatus>().ok::<UserView>().refuses(&OF_ADMINS),
        route(catalog::SESSION_LIST).ok::<ListView<SessionView>>().paged(),
        route(catalog::SESSION_END),
        route(catalog::SESSION_REVOKE),
    ]
}

fn clients_and_contacts() -> Vec<Operation> {
    vec![
        route(catalog::CLIENT_CREATE).takes::<CreateClient>().created::<ClientSecretView>(),
        route(catalog::CLIENT_LIST).ok::<ListView<ClientView>>().paged(),
        route(catalog::CLIENT_SECRET_ROTATE).ok::<ClientSecretView>(),
        route(catalog::CLIENT_DELETE),
        route(catalog::TOKEN_ISSUE)
            .takes_form::<TokenRequest>()
            .ok::<ServiceTokenView>()
            .rejects::<TokenRefusalView>(&[400, 401])
            .refuses(&["too-many-logins"]),
        route(catalog::JWKS_GET).document(examples::key_set),
        route(catalog::VERIFICATION_REQUEST)
            .takes::<RequestVerification>()
            .accepted::<VerificationView>()
            .refuses(&["already-verified", "too-many-verifications"]),
        route(catalog::CONTACT_VERIFY).takes::<VerifyContact>(),
    ]
}

fn catalogue() -> Vec<Operation> {
    vec![
        route(catalog::PRODUCT_CREATE).takes::<CreateProduct>().created::<ProductView>().refuses(&["sku-taken"]),
        route(catalog::PRODUCT_UPDATE).takes::<UpdateProduct>().ok::<ProductView>().if_match(),
        route(catalog::PRODUCT_DELETE).honours_if_match(),
        route(catalog::PRODUCT_GET).ok::<ProductView>(),
        product_list(),
        route(catalog::IMAGE_ADD).takes::<AddImage>().created::<UploadView>().refuses(&["too-many-images"]),
        route(catalog::IMAGE_LIST).ok::<ListView<ImageView>>(),
        route(catalog::IMAGE_GET)
            .redirects()
            .query("size", "Size of the variant; medium by default.", json!({ "enum": ["small", "medium", "large"] }))
            .query("format", "Format of the variant; jpeg by default.", json!({ "enum": ["jpeg", "webp"] })),
        route(catalog::IMAGE_DELETE),
        route(catalog::CATEGORY_LIST).ok::<ListView<CategoryView>>(),
        route(catalog::PRODUCT_PRICE_LIST).ok::<ListView<PriceView>>().paged(),
        route(catalog::PRODUCT_IMPORT_CREATE).takes::<CreateImport>().accepted::<ProductImportView>(),
        route(catalog::PRODUCT_IMPORT_GET).ok::<ProductImportView>(),
        route(catalog::PRODUCT_EXPORT_CREATE).accepted::<ProductExportView>(),
        route(catalog::PRODUCT_EXPORT_GET).ok::<ProductExportView>(),
        route(catalog::PRODUCT_IMPORT_LIST).ok::<ListView<ProductImportView>>().paged(),
        route(catalog::PRODUCT_EXPORT_LIST).ok::<ListView<ProductExportView>>().paged(),
    ]
}

fn product_list() -> Operation {
    let text = |most: usize| json!({ "type": "string", "minLength": 1, "maxLength": most });
    let minor = json!({ "type": "integer", "minimum": 0 });
    let sorts = Sort::ALL.map(Sort::name);
    route(catalog::PRODUCT_LIST)
        .ok::<ListView<ProductView>>()
        .query(
            "ids",
            "Ids of products, separated by commas; excludes all other parameters.",
            json!({ "type": "string" }),
        )
        .query("category", "The category.", text(64))
        .query("q", "Words that the products have, as a beginning or with a typo.", text(MAX_SEARCH))
        .query("min_price", "Lowest price, in minor units.", minor.clone())
        .query("max_price", "Highest price, in minor units.", minor)
        .query("currency", "Currency of the prices.", json!({ "type": "string", "pattern": "^[A-Z]{3}$" }))
        .query("available", "Whether there is stock.", json!({ "type": "boolean" }))
        .query("low_stock", "Whether five units or fewer are left.", json!({ "type": "boolean" }))
        .query("sort", "Order; by default the best matches of `q`, else the newest.", json!({ "enum": sorts }))
        .paged()
}

fn inventory() -> Vec<Operation> {
    vec![
        route(catalog::STOCK_GET).ok::<StockView>(),
        route(catalog::STOCK_ADJUST).takes::<AdjustStock>().ok::<StockView>().refuses(&["insufficient-stock"]),
        route(catalog::STOCK_MOVEMENT_LIST).ok::<ListView<MovementView>>().paged(),
    ]
}

fn orders() -> Vec<Operation> {
    vec![
        route(catalog::ORDER_PLACE).takes::<PlaceOrder>().created::<OrderView>().refuses(&[
            "orders-delayed",
            "price-changed",
            "too-many-unpaid-orders",
            "too-many-unpaid-units",
        ]),
        route(catalog::ORDER_GET).ok::<OrderView>(),
        order_list(),
        route(catalog::ORDER_STUCK_LIST)
            .ok::<ListView<StuckOrderView>>()
            .query(
                "minutes",
                "Minutes since the placement; 5 by default.",
                json!({ "type": "integer", "minimum": 0, "maximum": 525_600 }),
            )
            .paged(),
        route(catalog::ORDER_NOTE_ADD).takes::<AddNote>().created::<NoteView>(),
        route(catalog::ORDER_NOTE_LIST).ok::<ListView<NoteView>>().paged(),
        route(catalog::ORDER_ADDRESS_UPDATE)
            .takes::<Address>()
            .ok::<OrderView>()
            .if_match()
            .refuses(&["order-not-changeable"]),
        route(catalog::ORDER_LIST_USER).ok::<ListView<OrderView>>().paged(),
        route(catalog::ORDER_STATUS_UPDATE)
            .takes::<UpdateStatus>()
            .ok::<OrderView>()
            .example(examples::shipped_order)
            .if_match()
            .refuses(&["transition-forbidden"]),
        route(catalog::ORDER_CANCEL)
            .accepted::<OrderView>()
            .example(examples::cancelled_order)
            .honours_if_match()
            .refuses(&["order-not-cancellable"]),
    ]
}

/// An order's number: twelve hexadecimal digits.
const NUMBER: &str = "^[0-9A-Fa-f]{12}$";

fn order_list() -> Operation {
    let minor = json!({ "type": "integer", "minimum": 0 });
    route(catalog::ORDER_LIST)
        .ok::<ListView<OrderView>>()
        // Another customer's id.
        .refuses(&["not-found"])
        .query("status", "Status of the orders.", json!({ "enum": Status::ALL.map(Status::name) }))
        .query("user_id", "Id of the customer.", uuid())
        .query("number", "The end of the id, as on invoices.", json!({ "type": "string", "pattern": NUMBER }))
        .query("from", "Earliest time of placement.", time())
        .query("to", "End of the times of placement, exclusive.", time())
        .query(
            "currency",
            "Currency of the total; required with amounts.",
            json!({ "type": "string", "pattern": "^[A-Z]{3}$" }),
        )
        .query("min_amount", "Lowest total, in minor units.", minor.clone())
        .query("max_amount", "Highest total, in minor units.", minor)
        .query("sort", "Order of the list.", json!({ "enum": order::Sort::ALL.map(order::Sort::name) }))
        .paged()
}

fn notifications() -> Vec<Operation> {
    vec![
        route(catalog::PREFERENCES_GET).ok::<PreferencesView>(),
        route(catalog::PREFERENCES_UPDATE).takes::<Preferences>().ok::<PreferencesView>(),
        route(catalog::DEVICE_REGISTER)
            .takes::<RegisterDevice>()
            .created::<DeviceView>()
            .refuses(&["push-not-configured"]),
        route(catalog::DEVICE_REMOVE),
        route(catalog::NOTIFICATION_SEND).takes::<SendNotification>().accepted::<NotificationView>(),
        route(catalog::NOTIFICATION_LIST)
            .ok::<ListView<NotificationView>>()
            .required_query("order_id", "Id of the order.", uuid())
            .paged(),
        of_template(route(catalog::TEMPLATE_GET).ok::<MessageTemplateView>()).query(
            "version",
            "Version of the texts to show; those that apply by default, and those before the first edit with 0.",
            json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
        ),
        of_template(
            route(catalog::TEMPLATE_UPDATE).takes::<UpdateMessageTemplate>().ok::<MessageTemplateView>().if_match(),
        ),
        of_template(route(catalog::TEMPLATE_PREVIEW).takes::<TemplateTexts>().ok::<TemplatePreviewView>()),
    ]
}

fn of_template(operation: Operation) -> Operation {
    operation.path("name", "Name of the message.", json!({ "enum": Template::ALL.map(Template::name) })).path(
        "locale",
        "Language, as a BCP 47 tag.",
        json!({ "enum": Locale::ALL.map(Locale::name) }),
    )
}

fn webhooks() -> Vec<Operation> {
    vec![
        route(catalog::WEBHOOK_ENDPOINT_CREATE).takes::<CreateEndpoint>().created::<NewWebhookEndpointView>(),
        route(catalog::WEBHOOK_ENDPOINT_LIST).ok::<ListView<WebhookEndpointView>>().paged(),
        route(catalog::WEBHOOK_ENDPOINT_GET).ok::<WebhookEndpointView>(),
        route(catalog::WEBHOOK_ENDPOINT_UPDATE).takes::<UpdateEndpoint>().ok::<WebhookEndpointView>().if_match(),
        route(catalog::WEBHOOK_ENDPOINT_DELETE).honours_if_match(),
        route(catalog::WEBHOOK_SECRET_ROTATE).ok::<WebhookSecretView>().if_match(),
        route(catalog::WEBHOOK_ENDPOINT_TEST).accepted::<WebhookDeliveryView>().refuses(&["endpoint-disabled"]),
        route(catalog::WEBHOOK_DELIVERY_LIST).ok::<ListView<WebhookDeliveryView>>().paged(),
        route(catalog::WEBHOOK_DELIVERY_RETRY).accepted::<WebhookDeliveryView>().refuses(&["endpoint-disabled"]),
    ]
}

fn invoices() -> Vec<Operation> {
    vec![
        route(catalog::INVOICE_GET).ok::<InvoiceView>(),
        route(catalog::INVOICE_LIST)
            .ok::<ListView<InvoiceItemView>>()
            .refuses(&["not-found"])
            .query("user_id", "Id of the customer, for staff; all customers without it.", uuid())
            .paged(),
        route(catalog::CREDIT_NOTE_LIST).ok::<ListView<CreditNoteView>>(),
    ]
}

fn analytics() -> Vec<Operation> {
    let within = |operation: Operation| {
        let from = "Start of the period; a day before its end, if absent.";
        let to = "End of the period, exclusive, at most 31 days after its start; now, if absent.";
        operation.query("from", from, time()).query("to", to, time())
    };
    vec![
        within(route(catalog::WINDOW_LIST).ok::<ListView<WindowView>>()).paged(),
        within(route(catalog::ANALYTICS_SUMMARY_GET).ok::<SummaryView>()),
        within(route(catalog::ANOMALY_LIST).ok::<ListView<AnomalyView>>()).paged(),
    ]
}

fn records() -> Vec<Operation> {
    let name = || json!({ "type": "string", "maxLength": 64, "examples": ["greenhouse"] });
    let named = |operation: Operation| operation.path("name", "Name of the source.", name());
    let refusals = ["not-found", "source-closed", "backlog-full"];
    vec![
        route(catalog::RECORD_CREATE).takes::<SendRecords>().accepted::<AcceptedRecordsView>().refuses(&refusals),
        route(catalog::RECORD_GET).ok::<RecordView>(),
        route(catalog::RECORD_LIST)
            .ok::<ListView<RecordView>>()
            .refuses(&["not-found"])
            .required_query("source", "Name of the source.", name())
            .query("from", "The earliest time of a record; a day before `to` by default.", time())
            .query("to", "The time before which records are; now by default, and at most 31 days after `from`.", time())
            .paged(),
        named(route(catalog::RECORD_ROLLUP_LIST))
            .ok::<ListView<RollupView>>()
            .query("from", "The earliest hour; a day before `to` by default.", time())
            .query(
                "to",
                "The time before which hours begin; now by default, and at most 31 days after `from`.",
                time(),
            ),
        route(catalog::SOURCE_CREATE).takes::<CreateSource>().created::<SourceView>().refuses(&["source-exists"]),
        route(catalog::SOURCE_LIST).ok::<ListView<SourceItemView>>().paged(),
        named(route(catalog::SOURCE_GET)).ok::<SourceView>(),
        named(route(catalog::SOURCE_SCHEMA_ADD))
            .takes::<AddSchema>()
            .ok::<SourceView>()
            .refuses(&["source-closed", "schema-breaking"]),
        named(route(catalog::SOURCE_CLOSE)),
    ]
}

fn operations() -> Vec<Operation> {
    let consumer = json!({ "type": "string", "examples": ["stock-reserve"] });
    let reason = json!({ "type": "string", "maxLength": 64 });
    vec![
        route(catalog::ORDER_TIMELINE_GET).ok::<ListView<TimelineEntryView>>().paged().refuses(&["history-removed"]),
        route(catalog::QUEUE_LIST).ok::<ListView<QueueView>>(),
        route(catalog::SETTING_LIST).ok::<ListView<SettingView>>(),
        route(catalog::DEAD_LETTER_LIST)
            .ok::<ListView<DeadLetterView>>()
            .required_query("queue", "Name of the consumer.", consumer)
            .query("reason", "Only messages with this reason, of the first 200.", reason)
            .paged(),
        route(catalog::QUEUE_REDRIVE)
            .takes::<Redrive>()
            .ok::<RedriveView>()
            .path("name", "Name of the consumer.", json!({ "type": "string", "examples": ["order-advance"] }))
            .refuses(&["queue-not-redrivable"]),
        route(catalog::CONSUMER_STATE_UPDATE)
            .takes::<UpdateConsumerState>()
            .ok::<ConsumerStateView>()
            .path("name", "Name of the consumer.", json!({ "type": "string", "examples": ["order-advance"] }))
            .refuses(&["consumer-changing", "consumer-not-pausable"]),
        route(catalog::EVENT_REPLAY).takes::<Replay>().ok::<ReplayView>(),
        route(catalog::OPERATOR_ACTION_LIST).ok::<ListView<OperatorActionView>>().paged(),
        route(catalog::HEALTH_GET).ok::<HealthView>(),
        route(catalog::READY_GET).ok::<ReadinessView>().may_be_unhealthy(),
        route(catalog::OPENAPI_GET).document(examples::openapi),
        route(catalog::ASYNCAPI_GET).document(examples::asyncapi),
        route(catalog::DOCS_GET).html(),
        route(catalog::PROBLEM_GET).ok::<problems::ProblemTypeView>().path(
            "code",
            "The last segment of a problem's `type`.",
            json!({ "type": "string", "examples": ["insufficient-stock"] }),
        ),
    ]
}
