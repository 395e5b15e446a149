//! Types with a secret do not derive `Debug`: whatever formats one, such as a log line or a panic, would show it.

use super::{expect_none, sources::with_extension};
use syn::{Attribute, GenericArgument, ItemStruct, Meta, PathArguments, Type, visit::Visit};

/// Names of fields with a secret as text or bytes. One in a type of its own is protected by that.
const SECRETS: [&str; 18] = [
    "access_token",
    "api_key",
    "authorization",
    "client_secret",
    "cookies",
    "current_password",
    "mfa_token",
    "owner_password",
    "password",
    "password_hash",
    "refresh_token",
    "role_password",
    "secret",
    "secret_access_key",
    "secrets",
    "session_token",
    "signing_secret",
    "token",
];

/// Types whose field is no secret: that of an endpoint is sealed with a key that is stored elsewhere, that of a rotation is a name.
const WITHOUT_SECRET: [&str; 2] = ["Endpoint", "Rotation"];

/// Collects `Type.field` of what shows a secret.
#[derive(Default)]
struct Shown(Vec<String>);

impl<'ast> Visit<'ast> for Shown {
    fn visit_item_struct(&mut self, item: &'ast ItemStruct) {
        if !item.attrs.iter().any(derives_debug) || WITHOUT_SECRET.contains(&&*item.ident.to_string()) {
            return;
        }
        for field in &item.fields {
            let name = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
            if SECRETS.contains(&&*name) && is_plain(&field.ty) {
                self.0.push(format!("{}.{name}", item.ident));
            }
        }
    }
}

fn derives_debug(attribute: &Attribute) -> bool {
    let tokens = match &attribute.meta {
        Meta::List(list) if list.path.is_ident("derive") => list.tokens.to_string(),
        _ => return false,
    };
    tokens.split(',').any(|name| name.trim() == "Debug")
}

/// Whether a type shows a text or bytes: `String`, `&str`, or a list or an option of them.
fn is_plain(of: &Type) -> bool {
    match of {
        Type::Reference(reference) => is_plain(&reference.elem),
        Type::Path(path) => path.path.segments.last().is_some_and(|segment| {
            let is_part =
                |argument: &GenericArgument| matches!(argument, GenericArgument::Type(part) if is_plain(part));
            ["String", "str", "u8"].contains(&&*segment.ident.to_string())
                || matches!(&segment.arguments, PathArguments::AngleBracketed(list) if list.args.iter().any(is_part))
        }),
        _ => false,
    }
}

fn shown(text: &str) -> Vec<String> {
    let mut shown = Shown::default();
    shown.visit_file(&syn::parse_file(text).expect("Rust"));
    shown.0
}

#[test]
fn types_with_a_secret_do_not_derive_debug() {
    let is_code = |path: &str| {
        !path.starts_with("tests/")
            && !path.starts_with("shared/testkit/")
            && !path.contains("/tests/")
            && !path.ends_with("tests.rs")
    };
    let sources = with_extension("rs").into_iter().filter(|source| is_code(&source.path));
    let complaints: Vec<String> = sources
        .flat_map(|source| shown(&source.text).into_iter().map(move |field| format!("{}: {field}", source.path)))
        .collect();
    expect_none(&complaints, "implement `Debug` without the secret, or not at all");
    let derived = "#[derive(Clone, Debug)] struct A { secret: Option<String>, token: Token, cookies: Vec<String> }";
    assert_eq!(shown(derived), ["A.secret", "A.cookies"]);
}
