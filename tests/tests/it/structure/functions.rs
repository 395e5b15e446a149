//! Directories = catalog = packages = binaries; and what every row owes.

use super::{
    expect_none,
    sources::{directories, manifests},
};
use catalog::{Auth, FUNCTIONS, Trigger};
use std::{collections::BTreeMap, fs};

/// The name of a row's constant in the catalog.
fn constant(function: &str) -> String {
    function.replace('-', "_").to_uppercase()
}

#[test]
fn every_row_has_a_directory_and_every_directory_a_row() {
    let directories = directories("functions");
    let missing = FUNCTIONS.iter().filter(|row| !directories.iter().any(|name| name == row.name));
    let mut complaints: Vec<_> =
        missing.map(|row| format!("{} is in the catalog, but functions/{} is not there", row.name, row.name)).collect();
    let strays = directories.iter().filter(|name| catalog::find(name).is_none());
    complaints.extend(strays.map(|name| format!("functions/{name} has no row in the catalog")));
    expect_none(&complaints, "begin a function with `cargo xtask new`; give a stray directory its row or remove it");
}

#[test]
fn a_function_is_called_the_same_as_directory_package_and_binary() {
    let mut complaints = Vec::new();
    for manifest in manifests().iter().filter(|manifest| manifest.directory.starts_with("functions/")) {
        let name = manifest.directory.trim_start_matches("functions/");
        if manifest.package() != name {
            complaints.push(format!("{}: the package is called {}", manifest.directory, manifest.package()));
        }
        let binaries = manifest.document.get("bin").and_then(|item| item.as_array_of_tables());
        for binary in binaries.into_iter().flatten() {
            let found = binary.get("name").and_then(|name| name.as_str()).unwrap_or_default();
            if found != name {
                complaints.push(format!("{}: a binary is called {found}", manifest.directory));
            }
        }
    }
    expect_none(&complaints, "name the package and its one binary after the directory");
}

#[test]
fn main_wires_its_own_row_and_no_other() {
    let mut complaints = Vec::new();
    for row in FUNCTIONS {
        let path = format!("functions/{}/src/main.rs", row.name);
        let Ok(text) = fs::read_to_string(xtask::root().join(&path)) else {
            complaints.push(format!("{path} is not there"));
            continue;
        };
        let named: Vec<_> = FUNCTIONS
            .iter()
            .filter(|other| {
                let constant = format!("catalog::{}", constant(other.name));
                text.match_indices(&constant)
                    .any(|(at, _)| !text[at + constant.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_'))
            })
            .map(|other| other.name)
            .collect();
        if named != [row.name] {
            complaints.push(format!("{path} names the rows [{}]", named.join(", ")));
        }
    }
    expect_none(
        &complaints,
        "main.rs starts with `catalog::<ITS_OWN_CONSTANT>`, so that a crate without a row does not compile",
    );
}

#[test]
fn names_and_routes_are_unique() {
    let mut seen = BTreeMap::<String, Vec<&str>>::new();
    for row in FUNCTIONS {
        seen.entry(format!("name {}", row.name)).or_default().push(row.name);
        if let Trigger::Http { method, path, .. } = row.trigger {
            // Parameters match whatever they are called.
            let shape: Vec<_> = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect();
            seen.entry(format!("route {} {}", method.name(), shape.join("/"))).or_default().push(row.name);
        }
    }
    let twice = seen.iter().filter(|(_, rows)| rows.len() > 1);
    let complaints: Vec<_> = twice.map(|(what, rows)| format!("{what}: {}", rows.join(", "))).collect();
    expect_none(&complaints, "one function a route, one row a function");
}

#[test]
fn every_route_says_who_may_call_it() {
    let mut complaints = Vec::new();
    for row in FUNCTIONS {
        if let Trigger::Http { path, auth: Auth::Roles(roles), .. } = row.trigger
            && roles.is_empty()
        {
            complaints.push(format!("{}: nobody may call {path}", row.name));
        }
    }
    expect_none(&complaints, "name the roles, or say Public");
}

#[test]
fn a_function_touches_only_what_its_context_owns() {
    let mut complaints = Vec::new();
    for row in FUNCTIONS {
        for uses in row.uses {
            let owner = match uses {
                catalog::Uses::Table(table, _) => table.context,
                catalog::Uses::Bucket(bucket, _) => bucket.context,
                _ => continue,
            };
            if owner != row.context {
                complaints.push(format!("{} ({}) uses {uses:?} of {}", row.name, row.context.name(), owner.name()));
            }
        }
    }
    expect_none(&complaints, "ask the owner through its API or its events");
}
