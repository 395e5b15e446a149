//! The cloud stops at two doors: SDKs and drivers behind `shared/adapters`, the Lambda runtime behind `shared/edge`.

use super::{expect_none, sources::manifests};

/// A door, what stays behind it, and who else may look.
struct Door {
    behind: &'static str,
    prefixes: &'static [&'static str],
    /// Programs that run outside Lambda and stand in for a part of the cloud, or look at what is really there.
    besides: &'static [&'static str],
}

const DOORS: [Door; 2] = [
    Door {
        behind: "shared/adapters",
        // `shared/adapters-postgres` and the like: one crate for each technology.
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
        // The benchmark speaks plain SQL to measure our stores against the usual way.
        besides: &["scripts/kafka-trigger", "scripts/benchmark", "tests"],
    },
    Door { behind: "shared/edge", prefixes: &["lambda_", "lambda-", "aws_lambda"], besides: &["scripts/benchmark"] },
];

#[test]
fn the_cloud_stops_at_two_doors() {
    let mut complaints = Vec::new();
    for manifest in manifests() {
        for door in &DOORS {
            if is_behind(&manifest.directory, door.behind) || door.besides.contains(&manifest.directory.as_str()) {
                continue;
            }
            for (name, _) in manifest.dependencies() {
                if door.prefixes.iter().any(|prefix| name.starts_with(prefix)) {
                    complaints
                        .push(format!("{} depends on {name}, which stays behind {}", manifest.directory, door.behind));
                }
            }
        }
    }
    expect_none(&complaints, "say what you need as a port, and let the adapter or the edge give it");
}

/// Whether `directory` is `crate_directory`, or one of the crates that it was split into.
fn is_behind(directory: &str, crate_directory: &str) -> bool {
    directory.strip_prefix(crate_directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[test]
fn inner_crates_know_nothing_of_outer_ones() {
    const INNER: [(&str, &[&str]); 4] = [
        ("shared/catalog", &[]),
        ("shared/kernel", &["catalog"]),
        ("shared/domain", &["catalog", "kernel"]),
        ("shared/ports", &["catalog", "kernel", "domain"]),
    ];
    const OURS: [&str; 9] = ["adapters", "api", "catalog", "domain", "edge", "kernel", "ports", "testkit", "xtask"];
    let mut complaints = Vec::new();
    for manifest in manifests() {
        let Some((_, allowed)) = INNER.iter().find(|(directory, _)| *directory == manifest.directory) else { continue };
        for (name, _) in manifest.dependencies() {
            if (OURS.contains(&name) || name.starts_with("adapters-")) && !allowed.contains(&name) {
                complaints.push(format!("{} depends on {name}", manifest.directory));
            }
            if ["tokio", "async-trait", "async_trait"].contains(&name) {
                complaints
                    .push(format!("{} depends on {name}: it decides or declares, it does not run", manifest.directory));
            }
        }
    }
    expect_none(&complaints, "turn the dependency round");
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
    expect_none(&complaints, "what two functions share belongs into domain, or into no place at all");
}

#[test]
fn versions_stand_in_the_workspace_manifest_only() {
    let mut complaints = Vec::new();
    for manifest in manifests() {
        for (name, item) in manifest.dependencies() {
            let inherits = item.get("workspace").and_then(|value| value.as_bool()) == Some(true);
            let is_function = catalog::find(name).is_some() && item.get("path").is_some();
            if !inherits && !is_function {
                complaints.push(format!("{} spells the version of {name} itself", manifest.directory));
            }
        }
    }
    expect_none(&complaints, "declare it under [workspace.dependencies] and write `name.workspace = true`");
}
