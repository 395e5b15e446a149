//! Functions are called the same in the catalog, as directories, packages and binaries, and their rows are complete.

use super::{
    calls::squeezed,
    expect_none,
    sources::{directories, manifests, with_extension},
    syntax::rust_files,
};
use catalog::{Auth, FUNCTIONS, Function, Trigger};
use xtask::codegen::rows;

/// The constant of a row in the catalog.
fn constant(function: &str) -> String {
    function.replace('-', "_").to_uppercase()
}

#[test]
fn every_catalog_row_has_a_directory_and_every_directory_a_row() {
    let directories = directories("functions");
    let missing = FUNCTIONS.iter().filter(|row| !directories.iter().any(|name| name == row.name));
    let mut complaints: Vec<_> = missing
        .map(|row| format!("{} is in the catalog, but functions/{} does not exist", row.name, row.name))
        .collect();
    let orphans = directories.iter().filter(|name| catalog::find(name).is_none());
    complaints.extend(orphans.map(|name| format!("functions/{name} has no row in the catalog")));
    expect_none(&complaints, "create functions with `cargo xtask new`; add the row, or delete the directory");
}

#[test]
fn function_directory_package_and_binary_share_one_name() {
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
    expect_none(&complaints, "name the package and its only binary like the directory");
}

#[test]
fn main_uses_its_own_catalog_row_and_no_other() {
    let mut complaints = Vec::new();
    for row in FUNCTIONS {
        let path = format!("functions/{}/src/main.rs", row.name);
        let Some(file) = rust_files().iter().find(|file| file.path == path) else {
            complaints.push(format!("{path} does not exist"));
            continue;
        };
        let is_named = |other: &&&Function| file.catalog_rows.contains(&constant(other.name));
        let named: Vec<_> = FUNCTIONS.iter().filter(is_named).map(|other| other.name).collect();
        if named != [row.name] {
            complaints.push(format!("{path} uses the rows [{}]", named.join(", ")));
        }
    }
    expect_none(
        &complaints,
        "use `catalog::<FUNCTION>` of the function itself in main.rs, so that a crate without a row does not compile",
    );
}

#[test]
fn function_names_and_routes_are_unique() {
    expect_none(&rows::routes(FUNCTIONS), "one function per route, one row per function");
}

#[test]
fn every_route_declares_its_roles() {
    let mut complaints = Vec::new();
    for row in FUNCTIONS {
        if let Trigger::Http { path, auth, .. } = row.trigger
            && auth != Auth::Public
            && auth.roles().is_empty()
        {
            complaints.push(format!("{}: no role may call {path}", row.name));
        }
    }
    expect_none(&complaints, "list the roles, or declare the route public");
}

#[test]
fn function_uses_only_resources_of_its_context() {
    let mut complaints = Vec::new();
    for row in FUNCTIONS {
        for uses in row.resources() {
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
    expect_none(&complaints, "use the API or the events of the owner");
}

#[test]
fn every_route_counts_its_clients_as_its_class_says() {
    let sources = with_extension("rs");
    let mut complaints = Vec::new();
    for row in FUNCTIONS.iter().filter(|row| row.is_http()) {
        let path = format!("functions/{}/src/main.rs", row.name);
        let main = sources.iter().find(|source| source.path == path).map(|source| source.text.as_str());
        let expected = (row.limits_clients(), !row.limits_clients(), row.limits_viewers());
        if limits(main.unwrap_or_default()) != expected {
            complaints.push(path);
        }
    }
    expect_none(
        &complaints,
        "run adapters_redis::limited_route(&wiring)?, behind adapters_auth::distribution(&wiring)? if it is public; \
         or wiring.route()? if the class has no limits",
    );
}

/// Whether a main function counts its clients, has a plain route, and counts its clients by viewer.
fn limits(main: &str) -> (bool, bool, bool) {
    let code = squeezed(main);
    let limited = "adapters_redis::limited_route(&wiring)?";
    let by_viewer = format!("{limited}.behind(adapters_auth::distribution(&wiring)?)");
    (code.contains(limited), code.contains("wiring.route()?"), code.contains(&by_viewer))
}

#[test]
fn wiring_of_a_route_is_read_across_lines_and_not_in_comments() {
    let limited = "//! Not wiring.route()?.
fn main() {
    // Not wiring.route()?.
    let route = adapters_redis::limited_route(&wiring)?
        .behind(adapters_auth::distribution(&wiring)?);
}";
    assert_eq!(limits(limited), (true, false, true));
    assert_eq!(limits("fn main() { let route = wiring.route()?; }"), (false, true, false));
}
