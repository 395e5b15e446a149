//! The schemas of requests and responses. A type that is read otherwise than it is written gets two names.

use super::Type;
use schemars::{
    Schema, SchemaGenerator,
    generate::SchemaSettings,
    transform::{RecursiveTransform, ReplaceBoolSchemas},
};
use serde_json::{Map, Value};

const DEFINITIONS: &str = "#/components/schemas/";
/// Ends the name of the form in which a type is read, if it differs.
const READ: &str = "Input";

pub(super) struct Types {
    requests: SchemaGenerator,
    responses: SchemaGenerator,
    /// Names of the types that requests and responses have in different forms; known in advance, because references use them.
    differing: Vec<String>,
}

impl Default for Types {
    fn default() -> Self {
        let differing = differing();
        Self { requests: generator(true), responses: generator(false), differing }
    }
}

/// A generator for a document that has its named schemas in `components`.
pub(in crate::codegen) fn generator(reads: bool) -> SchemaGenerator {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = DEFINITIONS.trim_start_matches('#').trim_end_matches('/').into();
        settings.meta_schema = None;
        // `true` is a schema that not every generator of clients reads.
        let mut objects = ReplaceBoolSchemas::default();
        objects.skip_additional_properties = true;
        settings.transforms.push(Box::new(objects));
        settings.transforms.push(Box::new(RecursiveTransform(without_rust_links)));
        settings.transforms.push(Box::new(RecursiveTransform(without_null_default)));
        settings.transforms.push(Box::new(RecursiveTransform(with_plain_enumeration)));
    });
    if reads { settings.for_deserialize().into_generator() } else { settings.for_serialize().into_generator() }
}

/// The named types that differ between all requests and all responses.
fn differing() -> Vec<String> {
    let (mut requests, mut responses) = (generator(true), generator(false));
    for operation in super::routes() {
        if let super::Request::Json(body) | super::Request::Form(body) = operation.request {
            (body.schema)(&mut requests);
        }
        if let super::Response::Json(body) = operation.response {
            (body.schema)(&mut responses);
        }
    }
    let (read, written) = (requests.definitions(), responses.definitions());
    let differs = |(name, schema): (&String, &Value)| written.get(name).is_some_and(|other| other != schema);
    let mut names: Vec<String> = read.iter().filter(|entry| differs(*entry)).map(|(name, _)| name.clone()).collect();
    // What refers to a type with two forms has two forms, too.
    loop {
        let refers = |schema: &Value| names.iter().any(|name| mentions(schema, name));
        let next =
            read.iter().find(|(name, schema)| written.contains_key(*name) && !names.contains(name) && refers(schema));
        match next {
            Some((name, _)) => names.push(name.clone()),
            None => return names,
        }
    }
}

impl Types {
    /// The schema of a request body.
    pub fn request(&mut self, body: Type) -> Value {
        let mut schema = (body.schema)(&mut self.requests).to_value();
        rename(&mut schema, &self.differing);
        schema
    }

    /// The schema of a response body.
    pub fn response(&mut self, body: Type) -> Value {
        (body.schema)(&mut self.responses).to_value()
    }

    pub fn into_schemas(mut self) -> Map<String, Value> {
        let mut all: Map<String, Value> = self.responses.take_definitions(true).into_iter().collect();
        for (name, mut schema) in self.requests.take_definitions(true) {
            rename(&mut schema, &self.differing);
            let name = if self.differing.contains(&name) { format!("{name}{READ}") } else { name };
            all.insert(name, schema);
        }
        all
    }
}

/// Descriptions are doc comments, whose links to Rust items mean nothing here.
fn without_rust_links(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.replace("[`", "`").replace("`]", "`");
    }
}

/// An absent member means the same as null. Generators of clients take a member with a default for one that is always there.
fn without_null_default(schema: &mut Schema) {
    if schema.get("default") == Some(&Value::Null) {
        schema.remove("default");
    }
}

/// Makes an `enum` of alternatives that are single words: few generators of clients understand those. The meanings of the words
/// move to the description.
fn with_plain_enumeration(schema: &mut Schema) {
    let Some(Value::Array(alternatives)) = schema.get("oneOf") else { return };
    let Some(words) = alternatives.iter().map(words).collect::<Option<Vec<_>>>() else { return };
    let meanings: Vec<String> = alternatives.iter().filter_map(meaning).collect();
    let about = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    let about = format!("{about}\n\n{}", meanings.join("\n"));
    schema.remove("oneOf");
    schema.insert("type".to_owned(), "string".into());
    schema.insert("enum".to_owned(), words.concat().into());
    schema.insert("description".to_owned(), about.trim().into());
}

/// The words that an alternative allows, if it allows no other text.
fn words(alternative: &Value) -> Option<Vec<Value>> {
    match (alternative.get("const"), alternative.get("enum")) {
        (Some(word), None) => Some(vec![word.clone()]),
        (None, Some(Value::Array(words))) => Some(words.clone()),
        _ => None,
    }
    .filter(|words| words.iter().all(Value::is_string))
}

/// An item of a list in Markdown.
fn meaning(alternative: &Value) -> Option<String> {
    let (word, about) = (alternative["const"].as_str()?, alternative["description"].as_str()?);
    Some(format!("- `{word}`: {}", about.replace('\n', " ")))
}

fn mentions(schema: &Value, name: &str) -> bool {
    match schema {
        Value::Object(members) => members.iter().any(|(key, value)| {
            (key == "$ref" && value.as_str().and_then(|text| text.strip_prefix(DEFINITIONS)) == Some(name))
                || mentions(value, name)
        }),
        Value::Array(items) => items.iter().any(|item| mentions(item, name)),
        _ => false,
    }
}

/// Lets references to types with two forms lead to the form that is read.
fn rename(schema: &mut Value, differing: &[String]) {
    match schema {
        Value::Object(members) => {
            for (key, value) in members.iter_mut() {
                match value.as_str().and_then(|text| text.strip_prefix(DEFINITIONS)) {
                    Some(name) if key == "$ref" && differing.iter().any(|other| other == name) => {
                        *value = format!("{DEFINITIONS}{name}{READ}").into();
                    }
                    _ => rename(value, differing),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, differing)),
        _ => {}
    }
}
