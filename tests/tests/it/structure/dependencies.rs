//! Crate boundaries: SDKs and drivers are dependencies of `shared/adapters` only, the Lambda runtime of `shared/edge` only.

use super::{expect_none, sources::manifests};

/// The crate that may depend on libraries with these prefixes.
struct Boundary {
    owner: &'static str,
    prefixes: &'static [&'static str],
    /// Programs outside Lambda that emulate a cloud service, or inspect a real one.
    exceptions: &'static [&'static str],
}

const BOUNDARIES: [Boundary; 2] = [
    Boundary {
        // With `shared/adapters-postgres` and the like: one crate for each technology.
        owner: "shared/adapters",
        prefixes: &[
            "aws-",
            "tokio-postgres",
            "postgres",
            "sqlx",
            "redis",
            "rskafka",
            "rdkafka",
            "reqwest",
            "hyper",
            "rustls",
        ],
        // The benchmark compares the stores with plain SQL.
        exceptions: &["scripts/kafka-trigger", "scripts/benchmark", "tests"],
    },
    Boundary {
        owner: "shared/edge",
        prefixes: &["lambda_", "lambda-", "aws_lambda"],
        exceptions: &["scripts/benchmark"],
    },
];

#[test]
fn only_adapters_and_edge_depend_on_cloud_libraries() {
    let mut complaints = Vec::new();
    for manifest in manifests() {
        for boundary in &BOUNDARIES {
            let directory = manifest.directory.as_str();
            if is_owned(directory, boundary.owner) || boundary.exceptions.contains(&directory) {
                continue;
            }
            for (name, _) in manifest.dependencies() {
                if boundary.prefixes.iter().any(|prefix| name.starts_with(prefix)) {
                    complaints.push(format!("{directory} depends on {name}, which only {} may do", boundary.owner));
                }
            }
        }
    }
    expect_none(&complaints, "declare a port, and implement it in the owner of the dependency");
}

/// Whether `directory` is that of the owner, or of a crate whose name begins with the owner's.
fn is_owned(directory: &str, owner: &str) -> bool {
    directory.strip_prefix(owner).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[test]
fn inner_crates_do_not_depend_on_outer_crates() {
    const INNER: [(&str, &[&str]); 5] = [
        ("shared/catalog", &[]),
        ("shared/kernel", &["catalog"]),
        ("shared/domain", &["catalog", "kernel"]),
        ("shared/ports", &["catalog", "kernel", "domain"]),
        ("shared/services", &["catalog", "kernel", "domain", "ports"]),
    ];
    const WORKSPACE: [&str; 10] =
        ["adapters", "api", "catalog", "domain", "edge", "kernel", "ports", "services", "testkit", "xtask"];
    let mut complaints = Vec::new();
    for manifest in manifests() {
        let Some((_, allowed)) = INNER.iter().find(|(directory, _)| *directory == manifest.directory) else { continue };
        for (name, _) in manifest.dependencies() {
            if (WORKSPACE.contains(&name) || name.starts_with("adapters-")) && !allowed.contains(&name) {
                complaints.push(format!("{} depends on {name}", manifest.directory));
            }
            if ["tokio", "async-trait", "async_trait"].contains(&name) {
                complaints.push(format!("{} depends on {name}, but does no I/O", manifest.directory));
            }
        }
    }
    expect_none(&complaints, "invert the dependency: let the outer crate depend on the inner one");
}

#[test]
fn no_function_depends_on_another() {
    let mut complaints = Vec::new();
    for manifest in manifests().iter().filter(|manifest| manifest.directory.starts_with("functions/")) {
        for (name, _) in manifest.dependencies() {
            if catalog::find(name).is_some() {
                complaints.push(format!("{} depends on {name}", manifest.directory));
            }
        }
    }
    expect_none(&complaints, "move what two functions share into domain, or duplicate it");
}

#[test]
fn dependency_versions_are_declared_in_the_workspace_manifest_only() {
    let mut complaints = Vec::new();
    for manifest in manifests() {
        for (name, item) in manifest.dependencies() {
            let inherits = item.get("workspace").and_then(|value| value.as_bool()) == Some(true);
            let is_function = catalog::find(name).is_some() && item.get("path").is_some();
            if !inherits && !is_function {
                complaints.push(format!("{} declares a version of {name}", manifest.directory));
            }
        }
    }
    expect_none(&complaints, "declare it under [workspace.dependencies] and write `name.workspace = true`");
}
