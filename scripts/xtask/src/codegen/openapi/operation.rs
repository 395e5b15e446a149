//! What the contract says of one route beyond its row in the catalog.

use super::examples::{self, Example};
use crate::Result;
use catalog::Function;
use domain::session::SessionKind;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

/// A Rust type and its JSON Schema.
#[derive(Clone, Copy)]
pub struct Type {
    path: fn() -> &'static str,
    pub schema: fn(&mut SchemaGenerator) -> Schema,
}

impl Type {
    fn of<T: JsonSchema>() -> Self {
        Self { path: std::any::type_name::<T>, schema: |generator| generator.subschema_for::<T>() }
    }

    /// Whether a request may have none.
    pub fn is_optional(self) -> bool {
        self.name().starts_with("Option<")
    }

    /// The name without modules, as in `ListView<OrderView>`.
    pub fn name(self) -> String {
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        let mut name = String::new();
        for part in (self.path)().split_inclusive(|letter| !is_word(letter) && letter != ':') {
            name.push_str(part.rsplit("::").next().unwrap_or(part));
        }
        name
    }
}

/// The body of a request.
#[derive(Clone, Copy)]
pub enum Request {
    Nothing,
    Json(Type),
    Form(Type),
    /// A JSON document that is read as bytes, because it is signed.
    Signed,
}

/// The body of the response to a request that succeeds.
#[derive(Clone, Copy)]
pub enum Response {
    Nothing,
    Json(Type),
    /// JSON without a Rust type.
    Document,
    Html,
}

/// What a route does with the cookie of the refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cookie {
    None,
    /// Takes it instead of an access token, and removes it.
    Removes,
    /// Sets it, if the request asks for it.
    Sets,
    /// Takes it instead of a token in the body, and sets the next one.
    Takes,
}

/// How a route treats `If-Match`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfMatch {
    /// The header is ignored.
    Ignored,
    /// It is evaluated if there is one.
    Honoured,
    Required,
}

/// A parameter of the query or the path.
pub struct Parameter {
    pub name: &'static str,
    pub about: &'static str,
    pub required: bool,
    pub schema: Value,
}

pub struct Operation {
    pub function: &'static Function,
    pub request: Request,
    pub status: u16,
    pub response: Response,
    /// An example of the body of the response, if it is JSON.
    pub example: Option<fn() -> Result<Value>>,
    pub query: Vec<Parameter>,
    /// Path parameters that are not a UUID.
    pub path: Vec<Parameter>,
    pub if_match: IfMatch,
    /// Codes of the problems that are specific to the route.
    pub problems: Vec<&'static str>,
    /// Whether the refresh token may come and go in a cookie.
    pub cookie: Cookie,
    /// Statuses and body of rejections in the form of another protocol.
    pub rejections: Option<(&'static [u16], Type)>,
    /// Whether the response may also have status 503 with the body of success.
    pub unhealthy: bool,
}

/// The contract of a route that returns nothing yet.
pub fn route(function: &'static Function) -> Operation {
    Operation {
        function,
        request: Request::Nothing,
        status: 204,
        response: Response::Nothing,
        example: None,
        query: Vec::new(),
        path: Vec::new(),
        if_match: IfMatch::Ignored,
        problems: Vec::new(),
        cookie: Cookie::None,
        rejections: None,
        unhealthy: false,
    }
}

impl Operation {
    pub fn takes<T: JsonSchema>(self) -> Self {
        Self { request: Request::Json(Type::of::<T>()), ..self }
    }

    pub fn takes_form<T: JsonSchema>(self) -> Self {
        Self { request: Request::Form(Type::of::<T>()), ..self }
    }

    pub fn takes_signed(self) -> Self {
        Self { request: Request::Signed, ..self }
    }

    pub fn ok<T: JsonSchema + Example>(self) -> Self {
        self.responds::<T>(200)
    }

    pub fn created<T: JsonSchema + Example>(self) -> Self {
        self.responds::<T>(201)
    }

    pub fn accepted<T: JsonSchema + Example>(self) -> Self {
        self.responds::<T>(202)
    }

    /// 200 with JSON that no Rust type describes.
    pub fn document(self, example: fn() -> Result<Value>) -> Self {
        Self { status: 200, response: Response::Document, example: Some(example), ..self }
    }

    /// 200 with a page for people.
    pub fn html(self) -> Self {
        Self { status: 200, response: Response::Html, ..self }
    }

    /// 302 to another URL.
    pub fn redirects(self) -> Self {
        Self { status: 302, ..self }
    }

    pub fn may_be_unhealthy(self) -> Self {
        Self { unhealthy: true, ..self }
    }

    fn responds<T: JsonSchema + Example>(self, status: u16) -> Self {
        Self { status, response: Response::Json(Type::of::<T>()), example: Some(examples::of::<T>), ..self }
    }

    /// Shows another example than that of the type.
    pub fn example(self, example: fn() -> Result<Value>) -> Self {
        Self { example: Some(example), ..self }
    }

    /// Requires `If-Match`.
    pub fn if_match(self) -> Self {
        Self { if_match: IfMatch::Required, ..self }
    }

    /// Evaluates an `If-Match` if there is one.
    pub fn honours_if_match(self) -> Self {
        Self { if_match: IfMatch::Honoured, ..self }
    }

    /// Rejections with these statuses may also have this body instead of a problem document.
    pub fn rejects<T: JsonSchema>(self, statuses: &'static [u16]) -> Self {
        Self { rejections: Some((statuses, Type::of::<T>())), ..self }
    }

    pub fn cookie(self, cookie: Cookie) -> Self {
        Self { cookie, ..self }
    }

    /// The parameter that asks for a session by cookie.
    pub fn session(self) -> Self {
        let kinds = json!({ "enum": SessionKind::ALL.map(SessionKind::name), "default": SessionKind::Body.name() });
        self.cookie(Cookie::Sets).query(
            "session",
            "Where the refresh token is returned; browsers ask for a cookie.",
            kinds,
        )
    }

    pub fn refuses(self, codes: &[&'static str]) -> Self {
        Self { problems: codes.to_vec(), ..self }
    }

    /// An optional query parameter.
    pub fn query(self, name: &'static str, about: &'static str, schema: Value) -> Self {
        self.with(Parameter { name, about, required: false, schema })
    }

    /// A required query parameter.
    pub fn required_query(self, name: &'static str, about: &'static str, schema: Value) -> Self {
        self.with(Parameter { name, about, required: true, schema })
    }

    /// A path parameter that is not a UUID.
    pub fn path(mut self, name: &'static str, about: &'static str, schema: Value) -> Self {
        self.path.push(Parameter { name, about, required: true, schema });
        self
    }

    /// The parameters of a list: `limit` and `cursor`.
    pub fn paged(self) -> Self {
        let limit = json!({ "type": "integer", "minimum": 1, "maximum": 100, "default": 20 });
        self.query("limit", "Maximum number of items on the page.", limit).query(
            "cursor",
            "The `next_cursor` of the page before.",
            json!({ "type": "string" }),
        )
    }

    fn with(mut self, parameter: Parameter) -> Self {
        self.query.push(parameter);
        self
    }
}

/// The schema of an instant in a query.
pub fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

/// The schema of an id.
pub fn uuid() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_has_the_name_that_a_handler_spells() {
        assert_eq!(Type::of::<api::ListView<api::OrderView>>().name(), "ListView<OrderView>");
        assert_eq!(Type::of::<domain::order::PlaceOrder>().name(), "PlaceOrder");
    }
}
