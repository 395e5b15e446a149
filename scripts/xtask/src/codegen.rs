//! Renders all files that are generated from the catalog and the domain, in memory.
//!
//! **Invariant:** rendering is deterministic. Maps are sorted by key, whatever features other packages enable in
//! `serde_json`, so that a file changes only when its meaning does.

pub mod alarms;
mod api_page;
pub mod asyncapi;
pub mod cfn;
pub mod configuration;
pub mod cors;
pub mod dashboards;
pub mod environment;
mod grafana;
pub mod grants;
pub mod machines;
pub mod names;
pub mod openapi;
pub mod personal_data;
pub mod prometheus;
pub mod reservation_sql;
pub mod retention;
pub mod rows;
pub mod schemas;
pub mod template;
pub mod terraform;
pub mod topology;
pub mod watch;

use crate::Result;
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fs, path::Path};

/// The command that updates generated files. Every generated file names it.
pub const COMMAND: &str = "cargo xtask codegen";

/// Directory of the event schemas. It contains generated files only.
pub const SCHEMAS: &str = "events/schemas";

pub struct Artifact {
    /// Path from the root of the repository.
    pub path: String,
    pub content: String,
}

/// Renders every generated file. Fails with the rows of the catalog that break a rule.
pub fn render(root: &Path) -> Result<Vec<Artifact>> {
    rows::check()?;
    let file = |path: &str, content| Artifact { path: path.into(), content };
    let stacks = template::build();
    let mut artifacts = vec![
        file("template.yaml", stacks.parent.to_yaml()?),
        file("terraform/catalog.json", terraform::render()?),
        file("docs/topology.txt", topology::text(&stacks)),
        file("docs/topology.md", topology::diagram()),
        file("docs/state-machines.md", machines::render()),
        file(openapi::PATH, openapi::render(root)?),
        file(asyncapi::PATH, asyncapi::render()?),
        file(api_page::PATH, api_page::render(root)?),
        file(configuration::PATH, configuration::render(root, &stacks)?),
        file(reservation_sql::PATH, reservation_sql::render()),
        file(personal_data::PATH, personal_data::render()),
        file(retention::PATH, retention::render()),
        file(prometheus::PATH, prometheus::render()?),
        file("Cargo.toml", watch::render(root)?),
    ];
    template::check(&stacks.parent)?;
    for stack in &stacks.children {
        template::check(stack)?;
        artifacts.push(file(&template::path(stack), stack.to_yaml()?));
    }
    artifacts.extend(dashboards::render()?);
    artifacts.extend(schemas::render()?);
    Ok(artifacts)
}

/// Compares the files on disk with what they should be. Returns a message for each difference.
pub fn stale_files(root: &Path) -> Result<Vec<String>> {
    let artifacts = render(root)?;
    let mut messages = Vec::new();
    for artifact in &artifacts {
        match fs::read_to_string(root.join(&artifact.path)) {
            Ok(found) if found == artifact.content => {}
            Ok(_) => messages.push(format!("{} is stale", artifact.path)),
            Err(error) => messages.push(format!("{}: {error}", artifact.path)),
        }
    }
    messages.extend(obsolete(root, &artifacts)?.into_iter().map(|path| format!("{path} is generated no longer")));
    Ok(messages)
}

/// Writes changed files and removes schemas and stacks of events and contexts that no longer exist. Returns the changed paths.
pub fn write(root: &Path) -> Result<Vec<String>> {
    let artifacts = render(root)?;
    let mut changed = Vec::new();
    for artifact in &artifacts {
        let path = root.join(&artifact.path);
        if fs::read_to_string(&path).is_ok_and(|found| found == artifact.content) {
            continue;
        }
        if let Some(directory) = path.parent() {
            fs::create_dir_all(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
        }
        fs::write(&path, &artifact.content).map_err(|error| format!("{}: {error}", artifact.path))?;
        changed.push(artifact.path.clone());
    }
    for path in obsolete(root, &artifacts)? {
        fs::remove_file(root.join(&path)).map_err(|error| format!("{path}: {error}"))?;
        changed.push(format!("{path} (removed)"));
    }
    Ok(changed)
}

/// Files in the generated directories that are generated no longer.
fn obsolete(root: &Path, artifacts: &[Artifact]) -> Result<Vec<String>> {
    let mut obsolete = Vec::new();
    for directory in [SCHEMAS, template::DIRECTORY] {
        let Ok(entries) = fs::read_dir(root.join(directory)) else { continue };
        for entry in entries {
            let entry = entry.map_err(|error| format!("{directory}: {error}"))?;
            let path = format!("{directory}/{}", entry.file_name().to_string_lossy());
            if !artifacts.iter().any(|artifact| artifact.path == path) {
                obsolete.push(path);
            }
        }
    }
    obsolete.sort();
    Ok(obsolete)
}

/// Sorts the members of every object by key.
#[must_use]
pub fn canonical(value: Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.into_iter().map(canonical).collect()),
        Value::Object(members) => {
            let sorted: BTreeMap<String, Value> = members.into_iter().map(|(k, v)| (k, canonical(v))).collect();
            Value::Object(sorted.into_iter().collect::<Map<_, _>>())
        }
        other => other,
    }
}

/// Indented canonical JSON with a final line feed.
pub(crate) fn pretty(value: Value) -> Result<String> {
    let mut text = serde_json::to_string_pretty(&canonical(value)).map_err(|error| error.to_string())?;
    text.push('\n');
    Ok(text)
}
