//! JSON log lines in the format of Powertools: one object per line, with the fields of all enclosing spans.

use super::Identity;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;
use std::fmt;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

/// Writes one whole line.
pub(crate) type Sink = Box<dyn Fn(&[u8]) + Send + Sync>;

/// The layer that writes events as lines.
pub(crate) struct JsonLines {
    identity: Identity,
    write: Sink,
}

impl JsonLines {
    pub fn new(identity: Identity, write: Sink) -> Self {
        Self { identity, write }
    }
}

/// Keys and values in the order in which they were first set.
#[derive(Debug, Default, Clone)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn set(&mut self, key: &'static str, value: impl Into<Value>) {
        let value = value.into();
        match self.0.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key, value)),
        }
    }

    fn extend(&mut self, other: &Self) {
        for (key, value) in &other.0 {
            self.set(key, value.clone());
        }
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field.name(), value);
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field.name(), value);
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field.name(), value);
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field.name(), value);
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field.name(), value);
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field.name(), format!("{value:?}"));
    }
}

impl<S> Layer<S> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let message = fields.0.iter().position(|(key, _)| *key == "message").map(|at| fields.0.remove(at).1);

        let mut line = Fields::default();
        line.set("timestamp", format!("{:.3}", jiff::Timestamp::now()));
        line.set("level", event.metadata().level().as_str());
        line.set("message", message.unwrap_or_default());
        line.set("service", self.identity.service.as_str());
        line.set("function_name", self.identity.function);
        for span in context.event_scope(event).into_iter().flat_map(|scope| scope.from_root()) {
            if let Some(fields) = span.extensions().get::<Fields>() {
                line.extend(fields);
            }
        }
        line.extend(&fields);

        if event.metadata().target() == super::SUMMARY && super::metrics::sum_up(&line.0) {
            return;
        }
        if let Ok(mut bytes) = serde_json::to_vec(&line) {
            bytes.push(b'\n');
            (self.write)(&bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::lines_of;

    #[test]
    fn line_is_one_json_object_with_the_fields_of_its_spans() {
        let lines = lines_of(|| {
            let invocation = tracing::info_span!("invocation", cold_start = true, function_request_id = "r-1");
            let _in_invocation = invocation.enter();
            let record = tracing::info_span!("record", correlation_id = "c-1", cold_start = false);
            let _in_record = record.enter();
            tracing::info!(order.id = 7, "placed \"it\"");
        });
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert_eq!(line["message"], "placed \"it\"");
        assert_eq!(line["level"], "INFO");
        assert_eq!(line["service"], "orders");
        assert_eq!(line["function_name"], "thing-do");
        assert_eq!(line["function_request_id"], "r-1");
        assert_eq!(line["correlation_id"], "c-1");
        assert_eq!(line["cold_start"], false, "the inner span takes precedence");
        assert_eq!(line["order.id"], 7);
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn absent_value_is_omitted() {
        let lines = lines_of(|| tracing::warn!(failure.internal = None::<&str>, "rejected"));
        assert!(lines[0].get("failure.internal").is_none());
    }
}
