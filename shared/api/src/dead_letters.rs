//! What operators see of dead letters, and of a redrive.

use crate::{id, rfc3339};
use domain::{dead_letter::DeadLetterAction, forecast::Forecast, queue::DeadMessage, timeline::EventRecord};
use kernel::Uuid;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// A dead letter: why it is one, and the exported members of the event in it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DeadLetterView {
    /// Id of the message, for a redrive.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// When it became a dead letter.
    #[schemars(extend("format" = "date-time"))]
    pub dead_since: String,
    /// Code of the failure; null if SQS moved the message, because the function died each time.
    pub reason: Option<String>,
    /// What the function said of the failure.
    pub detail: Option<String>,
    /// Number of the last delivery.
    pub attempt: Option<String>,
    /// Id of the message in the queue, or of the record in the stream.
    pub record_id: Option<String>,
    /// Length of the body in bytes.
    pub bytes: usize,
    /// The event; null if the body is none that the catalog knows.
    pub event: Option<DeadEventView>,
    /// What its consumer would do with it.
    pub forecast: ForecastView,
    /// JSON pointers to the texts of the event that a patch may change, also to those that are personal data and not shown. Empty without an
    /// event.
    pub editable: Vec<String>,
}

/// What the consumer of a dead letter would do if it were redriven now, as far as its body and what is recorded say. The handler is not run to
/// find out: what it does are calls of gateways, buses and databases, which have no mode without effects. The real redrive may be repeated,
/// because every consumer recognizes what it has handled.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ForecastView {
    /// `already_handled`: it would recognize the event, and the message would be deleted from the queue. `would_retry`: its handler would run again.
    /// `would_return`: it would refuse the message, which would be a dead letter again. Or `unknown`.
    pub outcome: &'static str,
    /// Why.
    pub detail: String,
    /// When it had handled the event; null if that is not recorded.
    #[schemars(extend("format" = "date-time"))]
    pub handled_at: Option<String>,
    /// Attempts of its handler at the event that failed.
    pub failed_attempts: u32,
    /// Code of the last failure; null without one.
    pub last_failure: Option<String>,
}

impl From<&Forecast> for ForecastView {
    fn from(Forecast { outcome, detail, status }: &Forecast) -> Self {
        Self {
            outcome: outcome.name(),
            detail: detail.clone(),
            handled_at: status.as_ref().and_then(|status| status.handled_at).map(rfc3339),
            failed_attempts: status.as_ref().map_or(0, |status| status.failed_attempts),
            last_failure: status.as_ref().and_then(|status| status.last_failure.clone()),
        }
    }
}

/// The event in a dead letter, without personal data.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DeadEventView {
    /// Id of the event.
    #[schemars(extend("format" = "uuid"))]
    pub id: String,
    /// Type and version, such as `OrderPlaced.v1`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Id of the aggregate that it describes.
    pub subject: String,
    /// When the event occurred.
    #[schemars(extend("format" = "date-time"))]
    pub occurred_at: String,
    /// The order that it is about; its timeline tells the rest.
    #[schemars(extend("format" = "uuid"))]
    pub order_id: Option<String>,
    /// Id of the request that caused it.
    #[schemars(extend("format" = "uuid"))]
    pub correlation_id: String,
    /// The members of its data that are no personal data.
    pub data: Map<String, Value>,
}

impl DeadLetterView {
    /// The view of a dead letter with the event in it, what its consumer would do, and what of the event may be changed.
    pub fn new(message: &DeadMessage, event: Option<&EventRecord>, forecast: &Forecast, editable: Vec<String>) -> Self {
        let note = |name: &str| message.notes.get(name).cloned();
        Self {
            id: message.id.clone(),
            dead_since: rfc3339(message.dead_since),
            reason: note("reason"),
            detail: note("detail"),
            attempt: note("attempt"),
            record_id: note("record_id"),
            bytes: message.body.len(),
            event: event.map(DeadEventView::from),
            forecast: forecast.into(),
            editable,
        }
    }
}

impl From<&EventRecord> for DeadEventView {
    fn from(event: &EventRecord) -> Self {
        Self {
            id: id(event.id),
            kind: event.kind.clone(),
            subject: event.subject.clone(),
            occurred_at: rfc3339(event.occurred_at),
            order_id: event.order_id.map(|order| id(order.0)),
            correlation_id: id(event.correlation_id),
            data: event.data.clone(),
        }
    }
}

/// What a redrive did, or would do.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RedriveView {
    /// Id of the action in the audit; null for a dry run, which changes nothing.
    #[schemars(extend("format" = "uuid"))]
    pub action_id: Option<String>,
    /// Name of the consumer whose dead letters were chosen.
    pub queue: String,
    /// Number of messages that were moved back.
    pub redriven: usize,
    /// Number of messages that were deleted.
    pub discarded: usize,
    /// Ids of the messages that were chosen.
    pub message_ids: Vec<String>,
    /// Whether there are more to choose, as far as the queue returned messages; null if that is not known.
    pub has_more: Option<bool>,
    /// For a dry run: what the consumer would do with each message that would be moved or deleted.
    pub forecasts: Vec<MessageForecastView>,
    /// For a dry run with a patch: the events as they would be sent.
    pub edited: Vec<EditedMessageView>,
    /// The chosen messages that stay, because the patch does not apply to their event or makes it invalid, or because no record of their topic can be
    /// made of them.
    pub refused: Vec<RefusedMessageView>,
}

/// A dead letter, and what its consumer would do with it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MessageForecastView {
    /// Id of the message.
    #[schemars(extend("format" = "uuid"))]
    pub message_id: String,
    /// What its consumer would do.
    pub forecast: ForecastView,
}

/// A dead letter whose event a patch edits.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct EditedMessageView {
    /// Id of the message.
    #[schemars(extend("format" = "uuid"))]
    pub message_id: String,
    /// The event, without personal data.
    pub event: DeadEventView,
}

/// A dead letter that stays one, and why.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RefusedMessageView {
    /// Id of the message.
    #[schemars(extend("format" = "uuid"))]
    pub message_id: String,
    /// Code of the failure: `validation`, or `unreadable` if the message has no event, or is no record.
    pub reason: &'static str,
    /// Why the message was not redriven.
    pub detail: String,
}

impl RedriveView {
    /// The view of an action of which `succeeded` of these messages were moved or deleted.
    pub fn new(
        id_of_action: Option<Uuid>,
        queue: &str,
        message_ids: Vec<String>,
        (action, succeeded): (DeadLetterAction, usize),
    ) -> Self {
        let count = |of| if action == of { succeeded } else { 0 };
        Self {
            action_id: id_of_action.map(id),
            queue: queue.to_owned(),
            redriven: count(DeadLetterAction::Redrive),
            discarded: count(DeadLetterAction::Discard),
            message_ids,
            has_more: None,
            forecasts: Vec::new(),
            edited: Vec::new(),
            refused: Vec::new(),
        }
    }
}
