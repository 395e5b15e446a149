//! What is wrong with a payload or a schema, in phrases that follow the name of the field. They have limits and words of the schema, which
//! staff wrote, and nothing of the payload.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{ValidationError, paths::Location};
use kernel::FieldError;
use serde_json::Value;

/// Longest list of words that is repeated to the client, in characters.
const MAX_WORDS: usize = 200;

/// The errors that one violation comes to: a missing or unknown member is named itself, not the object around it.
pub(super) fn of_payload(error: &ValidationError<'_>) -> Vec<FieldError> {
    let at = error.instance_path();
    let members = |names: &[String], detail: &str| {
        names.iter().map(|name| FieldError { pointer: member(at, name), detail: detail.to_owned() }).collect()
    };
    match error.kind() {
        ValidationErrorKind::Required { property: Value::String(name) } => {
            members(std::slice::from_ref(name), "is required")
        }
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => members(unexpected, "is not a known field"),
        kind => vec![FieldError { pointer: at.to_string(), detail: detail(kind) }],
    }
}

/// What is wrong with a schema: the pointer is that into the schema.
pub(super) fn of_schema(error: &ValidationError<'_>) -> Vec<FieldError> {
    let detail = match error.kind() {
        ValidationErrorKind::Referencing(_) => {
            "refers to what is not in it: a $ref must point into the schema itself, such as #/$defs/name".to_owned()
        }
        ValidationErrorKind::Format { format } if format == "regex" => {
            "must be a regular expression without look-around and references to groups, of bounded size".to_owned()
        }
        kind => format!("is not JSON Schema of draft 2020-12: it {}", detail(kind)),
    };
    vec![FieldError { pointer: error.instance_path().to_string(), detail }]
}

fn member(at: &Location, name: &str) -> String {
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn detail(kind: &ValidationErrorKind) -> String {
    match kind {
        ValidationErrorKind::Type { kind: TypeKind::Single(one) } => format!("must be of type {one}"),
        ValidationErrorKind::Type { kind: TypeKind::Multiple(set) } => {
            let names: Vec<_> = set.iter().map(|one| one.to_string()).collect();
            format!("must be of type {}", names.join(" or "))
        }
        ValidationErrorKind::Minimum { limit } => format!("must be at least {limit}"),
        ValidationErrorKind::Maximum { limit } => format!("must be at most {limit}"),
        ValidationErrorKind::ExclusiveMinimum { limit } => format!("must be more than {limit}"),
        ValidationErrorKind::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        ValidationErrorKind::MinLength { limit } => format!("must have at least {limit} characters"),
        ValidationErrorKind::MaxLength { limit } => format!("must have at most {limit} characters"),
        ValidationErrorKind::MinItems { limit } => format!("must have at least {limit} items"),
        ValidationErrorKind::MaxItems { limit } => format!("must have at most {limit} items"),
        ValidationErrorKind::MinProperties { limit } => format!("must have at least {limit} members"),
        ValidationErrorKind::MaxProperties { limit } => format!("must have at most {limit} members"),
        ValidationErrorKind::UniqueItems => "must not have an item twice".to_owned(),
        ValidationErrorKind::MultipleOf { multiple_of } => format!("must be a multiple of {multiple_of}"),
        ValidationErrorKind::Format { format } => format!("must have the format {format}"),
        ValidationErrorKind::Pattern { pattern } if pattern.chars().count() <= MAX_WORDS => {
            format!("must match the pattern {pattern}")
        }
        ValidationErrorKind::Enum { options } => one_of(options),
        ValidationErrorKind::Constant { expected_value } => one_of(expected_value),
        other => format!("violates the keyword {} of the schema", other.keyword()),
    }
}

fn one_of(options: &Value) -> String {
    let text = match options {
        Value::Array(options) => options.iter().map(Value::to_string).collect::<Vec<_>>().join(", "),
        one => one.to_string(),
    };
    match text.chars().count() <= MAX_WORDS {
        true => format!("must be one of {text}"),
        false => "must be one of the values in the schema".to_owned(),
    }
}
