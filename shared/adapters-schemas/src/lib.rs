//! JSON Schema (draft 2020-12), by the crate `jsonschema`. It is a crate apart, so that only functions that check payloads link it.
//!
//! Nothing is fetched: a schema refers to its own parts alone. Patterns run in time linear in the text, because the engine has no
//! look-around and no references to groups; a schema that needs them is refused when it is registered.

mod phrases;

use domain::source::{PayloadSchema, SchemaOf};
use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use kernel::{Failure, FieldError};
use serde_json::{Map, Value};
use std::{cell::RefCell, collections::HashMap, fmt, rc::Rc};

/// Compiled size of a pattern, in bytes.
const PATTERN_SIZE: usize = 256 * 1024;
/// Compiled schemas that a process keeps, before it forgets all of them.
const MAX_COMPILED: usize = 100;
/// Errors of one payload that are reported.
const MAX_ERRORS: usize = 20;

/// The schemas that the process has compiled, each once.
#[derive(Clone, Default)]
pub struct JsonSchemas {
    compiled: Rc<RefCell<HashMap<SchemaOf, Rc<Validator>>>>,
}

impl fmt::Debug for JsonSchemas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonSchemas").field("compiled", &self.compiled.borrow().len()).finish()
    }
}

impl JsonSchemas {
    fn compiled(&self, of: &SchemaOf, schema: &PayloadSchema) -> Result<Rc<Validator>, Failure> {
        if let Some(known) = self.compiled.borrow().get(of) {
            return Ok(known.clone());
        }
        let validator = compile(schema).map_err(|error| {
            // It was compiled when it was registered.
            Failure::internal(format!("the schema of {of:?} does not compile: {}", error.masked()))
        })?;
        let validator = Rc::new(validator);
        let mut compiled = self.compiled.borrow_mut();
        if compiled.len() >= MAX_COMPILED {
            compiled.clear();
        }
        compiled.insert(of.clone(), validator.clone());
        Ok(validator)
    }
}

fn compile(schema: &PayloadSchema) -> Result<Validator, ValidationError<'static>> {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .offline()
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_SIZE))
        .should_validate_formats(true)
        .build(&Value::Object(schema.members().clone()))
}

impl ports::PayloadSchemas for JsonSchemas {
    fn try_schema(&self, schema: &PayloadSchema, payloads: &[&Map<String, Value>]) -> Result<usize, Vec<FieldError>> {
        let validator = compile(schema).map_err(|error| phrases::of_schema(&error))?;
        Ok(payloads.iter().filter(|payload| !validator.is_valid(&Value::Object((**payload).clone()))).count())
    }

    fn violations(
        &self,
        of: &SchemaOf,
        schema: &PayloadSchema,
        payload: &Map<String, Value>,
    ) -> Result<Vec<FieldError>, Failure> {
        let validator = self.compiled(of, schema)?;
        let payload = Value::Object(payload.clone());
        Ok(validator.iter_errors(&payload).flat_map(|error| phrases::of_payload(&error)).take(MAX_ERRORS).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::record::SourceName;
    use ports::PayloadSchemas;
    use serde_json::json;

    fn schema(value: Value) -> PayloadSchema {
        serde_json::from_value(value).unwrap()
    }

    fn of(version: u32) -> SchemaOf {
        SchemaOf { source: SourceName::parse("greenhouse").unwrap(), version }
    }

    /// Pointers and details of what is wrong.
    fn violations(schema_value: Value, payload: Value) -> Vec<(String, String)> {
        let Value::Object(payload) = payload else { panic!("an object") };
        let found = JsonSchemas::default().violations(&of(1), &schema(schema_value), &payload).unwrap();
        found.into_iter().map(|error| (error.pointer, error.detail)).collect()
    }

    #[test]
    fn every_violation_is_named_with_the_pointer_to_the_member() {
        let schema = json!({
            "type": "object", "required": ["unit"], "additionalProperties": false,
            "properties": {
                "temperature": { "type": "number", "minimum": -100, "maximum": 100 },
                "unit": { "enum": ["C", "F"] },
                "tags": { "type": "array", "maxItems": 2, "items": { "type": ["string", "null"], "maxLength": 3 } },
                "at": { "type": "string", "format": "date-time" },
                "code": { "type": "string", "pattern": "^[A-Z]{3}$" },
            },
        });
        let payload = json!({ "temperature": 1e300, "tags": ["abcd", 7, null], "at": "noon", "code": "ab", "a/b": 1 });
        let expected = [
            ("/unit", "is required"),
            ("/at", "must have the format date-time"),
            ("/code", "must match the pattern ^[A-Z]{3}$"),
            ("/tags", "must have at most 2 items"),
            ("/tags/0", "must have at most 3 characters"),
            ("/tags/1", "must be of type null or string"),
            ("/temperature", "must be at most 100"),
            ("/a~1b", "is not a known field"),
        ];
        let mut found = violations(schema, payload);
        let mut expected = expected.map(|(pointer, detail)| (pointer.to_owned(), detail.to_owned())).to_vec();
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn errors_have_nothing_of_the_payload() {
        let schema = json!({ "properties": { "a": { "type": "number" }, "b": { "const": 1 }, "c": { "not": {} } } });
        let found = violations(schema, json!({ "a": "secret", "b": "secret", "c": "secret" }));
        assert_eq!(found.len(), 3);
        assert!(found.iter().all(|(_, detail)| !detail.contains("secret")), "{found:?}");
    }

    #[test]
    fn errors_of_a_payload_are_limited() {
        let schema = json!({ "additionalProperties": { "type": "null" } });
        let members = (0..1000).map(|number| (number.to_string(), json!(1)));
        assert_eq!(violations(schema, Value::Object(members.collect())).len(), MAX_ERRORS);
    }

    #[test]
    fn nothing_is_fetched() {
        for reference in ["https://example.com/schema.json", "file:///etc/hostname", "other.json", "#/$defs/none"] {
            let wanted = schema(json!({ "properties": { "a": { "$ref": reference } } }));
            let errors = JsonSchemas::default().try_schema(&wanted, &[]).unwrap_err();
            assert!(errors[0].detail.contains("must point into the schema itself"), "{reference}: {errors:?}");
        }
        let own = json!({ "properties": { "a": { "$ref": "#/$defs/b" } }, "$defs": { "b": { "type": "null" } } });
        assert_eq!(violations(own, json!({ "a": 1 })), [("/a".to_owned(), "must be of type null".to_owned())]);
    }

    #[test]
    fn schema_that_is_none_is_refused_with_the_pointer_to_the_member() {
        for (value, pointer) in [
            (json!({ "type": "nothing" }), "/type"),
            (json!({ "properties": { "a": { "minimum": "low" } } }), "/properties/a/minimum"),
            (json!({ "properties": { "a": { "pattern": "(a" } } }), "/properties/a/pattern"),
        ] {
            let errors = JsonSchemas::default().try_schema(&schema(value), &[]).unwrap_err();
            assert_eq!(errors[0].pointer, pointer, "{errors:?}");
        }
    }

    #[test]
    fn patterns_are_linear_and_bounded() {
        for pattern in ["(?=a)b", "(a)\\1", "(a{1000}){1000}"] {
            let value = schema(json!({ "properties": { "a": { "pattern": pattern } } }));
            let errors = JsonSchemas::default().try_schema(&value, &[]).unwrap_err();
            assert!(errors[0].detail.contains("without look-around"), "{pattern}: {errors:?}");
        }
        // Exponential for an engine that backtracks.
        let value = json!({ "properties": { "a": { "pattern": "^(a|a)*$" } } });
        assert_eq!(violations(value, json!({ "a": format!("{}b", "a".repeat(10_000)) })).len(), 1);
    }

    #[test]
    fn recursive_schema_ends_with_its_payload() {
        let tree = json!({ "properties": { "child": { "$ref": "#" } }, "required": ["name"] });
        let payload = json!({ "name": 1, "child": { "name": 1, "child": {} } });
        assert_eq!(violations(tree, payload), [("/child/child/name".to_owned(), "is required".to_owned())]);
        let endless = json!({ "$ref": "#/$defs/a", "$defs": { "a": { "$ref": "#/$defs/a" } } });
        assert_eq!(violations(endless, json!({ "a": 1 })), []);
    }

    #[test]
    fn schema_is_compiled_once_a_version() {
        let schemas = JsonSchemas::default();
        let check = |version, value| schemas.violations(&of(version), &schema(value), &Map::new()).unwrap().len();
        assert_eq!(check(1, json!({})), 0);
        // The same version is the same schema, whatever it looks like.
        assert_eq!(check(1, json!({ "required": ["a"] })), 0);
        assert_eq!(check(2, json!({ "required": ["a"] })), 1);
        for version in 3..300 {
            check(version, json!({}));
        }
        assert!(schemas.compiled.borrow().len() <= MAX_COMPILED);
    }

    #[test]
    fn payloads_that_a_new_schema_refuses_are_counted() {
        let payloads: Vec<_> =
            [json!(1), json!("x"), json!(2)].map(|one| Map::from_iter([("a".to_owned(), one)])).into();
        let numbers = schema(json!({ "properties": { "a": { "type": "number" } } }));
        let samples: Vec<_> = payloads.iter().collect();
        assert_eq!(JsonSchemas::default().try_schema(&numbers, &samples), Ok(1));
    }
}
