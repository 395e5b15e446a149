//! `cargo xtask new`: a function that compiles, with its row, its sample events and a test that fails until it is written.

mod envelopes;

use crate::Result;
use catalog::{Context, Event, Method};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Where rows are.
const ROWS: &str = "shared/catalog/src/functions.rs";
/// Where handlers are tested.
const TESTS: &str = "tests/tests/it/functions";

/// A function to begin.
pub struct Wish {
    /// Its name: noun first, dashes between.
    pub name: String,
    /// Whose it is; as the others of its noun when not said.
    pub context: Option<String>,
    /// What calls it.
    pub trigger: Trigger,
}

/// What calls a new function.
pub enum Trigger {
    /// `POST /api/v1/x`, who may call it (public, customer, staff, owner), whether it takes an `Idempotency-Key`.
    Http {
        /// Method and path.
        route: String,
        /// Who may call it.
        auth: String,
        /// Whether it takes an `Idempotency-Key`.
        idempotent: bool,
    },
    /// Events by name.
    On(Vec<String>),
}

/// What the templates are filled with.
struct Plan {
    name: String,
    context: Context,
    kind: Kind,
}

enum Kind {
    Http { method: Method, path: String, auth: &'static str, role: Option<&'static str>, idempotent: bool },
    Queue { events: Vec<&'static Event> },
}

/// Writes it all. Returns the paths that are new or changed.
pub fn begin(root: &Path, wish: Wish) -> Result<Vec<String>> {
    let plan = plan(wish)?;
    let name = &plan.name;
    let mut files = vec![
        (format!("functions/{name}/Cargo.toml"), plan.fill(include_str!("scaffold/templates/Cargo.toml.txt"))),
        (format!("functions/{name}/src/main.rs"), plan.fill(plan.main_template())),
        (format!("functions/{name}/src/lib.rs"), plan.fill(plan.lib_template())),
        (format!("{TESTS}/{}.rs", plan.crate_name()), plan.fill(plan.test_template())),
    ];
    for (case, envelope) in envelopes::of(root, &plan)? {
        files.push((format!("events/{name}/{case}.json"), crate::codegen::pretty(envelope)?));
    }
    if let Some((taken, _)) = files.iter().find(|(path, _)| root.join(path).exists()) {
        return Err(format!("{taken} is already there"));
    }
    // Everything is worked out before the first byte is written.
    let edits = [plan.catalog_edit(root)?, plan.test_module_edit(root)?, plan.test_manifest_edit(root)?];
    for (path, content) in files.iter().chain(&edits) {
        write(&root.join(path), content)?;
    }
    let sources: Vec<_> = files
        .iter()
        .map(|(path, _)| root.join(path))
        .filter(|path| path.extension().unwrap_or_default() == "rs")
        .collect();
    format_sources(root, &sources)?;
    Ok(files.into_iter().chain(edits).map(|(path, _)| path).collect())
}

/// Generated files follow from the new row, which this very program does not know yet: a rebuilt one writes them.
pub fn regenerate(root: &Path) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    run(Command::new(cargo).args(["run", "-q", "-p", "xtask", "--", "codegen"]).current_dir(root))
}

fn plan(wish: Wish) -> Result<Plan> {
    let name = wish.name;
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if !name.contains('-') || !name.split('-').all(is_word) || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err(format!(
            "{name:?} is no name for a function: noun first, then what it does, such as order-note-add"
        ));
    }
    if catalog::find(&name).is_some() {
        return Err(format!("the catalog has a function {name}"));
    }
    let context = match wish.context {
        Some(wanted) => catalog::CONTEXTS.iter().copied().find(|context| context.name() == wanted),
        None => {
            let noun = name.split('-').next();
            catalog::FUNCTIONS.iter().find(|row| row.name.split('-').next() == noun).map(|row| row.context)
        }
    };
    let contexts = || catalog::CONTEXTS.iter().map(|context| context.name()).collect::<Vec<_>>().join(", ");
    let context = context.ok_or_else(|| format!("say whose it is with --context: {}", contexts()))?;
    let kind = match wish.trigger {
        Trigger::Http { route, auth, idempotent } => http(&route, &auth, idempotent)?,
        Trigger::On(names) => Kind::Queue { events: names.iter().map(|name| event(name)).collect::<Result<_>>()? },
    };
    Ok(Plan { name, context, kind })
}

fn http(route: &str, auth: &str, idempotent: bool) -> Result<Kind> {
    const METHODS: [Method; 5] = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];
    let (method, path) = route.split_once(' ').unwrap_or_default();
    let known = METHODS.into_iter().find(|known| known.name() == method).filter(|_| path.starts_with('/'));
    let method = known.ok_or_else(|| format!("{route:?} is no route: say \"POST /api/v1/things\""))?;
    let taken = catalog::FUNCTIONS.iter().find(
        |row| matches!(row.trigger, catalog::Trigger::Http { method: m, path: p, .. } if m == method && p == path),
    );
    if let Some(row) = taken {
        return Err(format!("{route} is served by {}", row.name));
    }
    let (auth, role) = match auth {
        "public" => ("Public", None),
        "customer" => ("CUSTOMER_ONLY", Some(catalog::role::CUSTOMER)),
        "staff" => ("STAFF_OR_ADMIN", Some(catalog::role::STAFF)),
        "owner" => ("OWNER_OR_STAFF", Some(catalog::role::CUSTOMER)),
        other => {
            return Err(format!(
                "{other:?} may be public, customer, staff or owner (a customer, what is theirs; or staff)"
            ));
        }
    };
    Ok(Kind::Http { method, path: path.into(), auth, role, idempotent })
}

fn event(name: &str) -> Result<&'static Event> {
    catalog::EVENTS
        .iter()
        .copied()
        .find(|event| event.name == name)
        .ok_or_else(|| format!("the catalog has no event {name}; it has {}", all_events()))
}

fn all_events() -> String {
    catalog::EVENTS.iter().map(|event| event.name).collect::<Vec<_>>().join(", ")
}

/// `OrderPlaced.v1` is the type `OrderPlaced`; a second version is `OrderPlacedV2`.
fn type_of(event: &Event) -> String {
    let (name, version) = event.name.split_once('.').unwrap_or((event.name, "v1"));
    if version == "v1" { name.to_owned() } else { format!("{name}{}", version.to_uppercase()) }
}

/// `OrderPlaced` is the constant `ORDER_PLACED`.
fn constant_of(event: &Event) -> String {
    let mut constant = String::new();
    for letter in type_of(event).chars() {
        if letter.is_ascii_uppercase() && !constant.is_empty() {
            constant.push('_');
        }
        constant.push(letter.to_ascii_uppercase());
    }
    constant
}

impl Plan {
    fn crate_name(&self) -> String {
        self.name.replace('-', "_")
    }

    fn has_body(&self) -> bool {
        matches!(self.kind, Kind::Http { method: Method::Post | Method::Put | Method::Patch, .. })
    }

    const fn main_template(&self) -> &'static str {
        match self.kind {
            Kind::Http { .. } => include_str!("scaffold/templates/http_main.rs.txt"),
            Kind::Queue { .. } => include_str!("scaffold/templates/queue_main.rs.txt"),
        }
    }

    fn lib_template(&self) -> &'static str {
        match self.kind {
            Kind::Http { .. } if self.has_body() => include_str!("scaffold/templates/http_body_lib.rs.txt"),
            Kind::Http { .. } => include_str!("scaffold/templates/http_lib.rs.txt"),
            Kind::Queue { .. } => include_str!("scaffold/templates/queue_lib.rs.txt"),
        }
    }

    const fn test_template(&self) -> &'static str {
        match self.kind {
            Kind::Http { .. } => include_str!("scaffold/templates/http_test.rs.txt"),
            Kind::Queue { .. } => include_str!("scaffold/templates/queue_test.rs.txt"),
        }
    }

    /// Name of the bad sample, and what it should be answered.
    fn bad_case(&self) -> (&'static str, u16) {
        match &self.kind {
            Kind::Http { .. } if self.has_body() => ("bad_unknown_field", 422),
            Kind::Http { role: Some(_), .. } => ("bad_no_principal", 401),
            Kind::Http { .. } => ("bad_body_is_ignored", 200),
            Kind::Queue { .. } => ("bad_mixed_batch", 200),
        }
    }

    fn fill(&self, template: &str) -> String {
        let mut values = vec![
            ("name", self.name.clone()),
            ("crate", self.crate_name()),
            ("CONSTANT", self.crate_name().to_uppercase()),
            ("bad", self.bad_case().0.to_owned()),
            ("bad_status", self.bad_case().1.to_string()),
        ];
        let crates: &[&str] = match &self.kind {
            Kind::Http { method, path, .. } => {
                values.push(("route", format!("{} {path}", method.name())));
                values.push(("status", if *method == Method::Post { "201" } else { "200" }.to_owned()));
                &["adapters", "catalog", "edge", "kernel", "serde", "tokio"]
            }
            Kind::Queue { events } => {
                let join = |words: Vec<String>, by| words.join(by);
                values.push(("events", join(events.iter().map(|event| format!("`{}`", event.name)).collect(), ", ")));
                let patterns = events.iter().map(|event| format!("DomainEvent::{}(_)", type_of(event))).collect();
                values.push(("patterns", join(patterns, " | ")));
                &["adapters", "adapters-sqs", "catalog", "domain", "edge", "kernel", "tokio"]
            }
        };
        let lines: Vec<_> = crates.iter().map(|name| format!("{name}.workspace = true")).collect();
        values.push(("dependencies", lines.join("\n")));
        values.iter().fold(template.to_owned(), |text, (key, value)| text.replace(&format!("{{{{{key}}}}}"), value))
    }

    fn row(&self) -> String {
        const WIDEST: usize = 120;
        let trigger = match &self.kind {
            Kind::Http { method, path, auth, idempotent, .. } => {
                let key = if *idempotent { ".idempotent()" } else { "" };
                format!(".http({method:?}, \"{path}\", {auth}){key}")
            }
            Kind::Queue { events } => {
                let constants: Vec<_> = events.iter().map(|event| constant_of(event)).collect();
                format!(".on(&[{}]).timeout(15)", constants.join(", "))
            }
        };
        let constant = self.crate_name().to_uppercase();
        let begin = format!("    {constant} = Function::new(\"{}\", {:?})", self.name, self.context);
        let gap = if begin.len() + trigger.len() < WIDEST { "" } else { "\n        " };
        format!("    /// Begun by `cargo xtask new`: say here what it does.\n{begin}{gap}{trigger};\n")
    }

    /// The row goes to the end of its context's section.
    fn catalog_edit(&self, root: &Path) -> Result<(String, String)> {
        let text = read(root, ROWS)?;
        let heading = format!("    // {:?}.\n", self.context);
        let start = text.find(&heading).ok_or_else(|| format!("{ROWS} has no section {:?}", heading.trim()))?;
        let length = text[start..].find("\n\n").or_else(|| text[start..].find("\n}")).unwrap_or(text.len() - start - 1);
        let (before, after) = text.split_at(start + length + 1);
        Ok((ROWS.into(), format!("{before}{}{after}", self.row())))
    }

    fn test_module_edit(&self, root: &Path) -> Result<(String, String)> {
        let path = format!("{TESTS}/mod.rs");
        let text = read(root, &path)?;
        let at = text.rfind("\nmod ").map_or(0, |at| at + 1);
        let end = text[at..].find('\n').map_or(text.len(), |length| at + length + 1);
        let (before, after) = text.split_at(end);
        Ok((path, format!("{before}mod {};\n{after}", self.crate_name())))
    }

    fn test_manifest_edit(&self, root: &Path) -> Result<(String, String)> {
        let path = "tests/Cargo.toml";
        let mut manifest: toml_edit::DocumentMut =
            read(root, path)?.parse().map_err(|error| format!("{path}: {error}"))?;
        let mut by_path = toml_edit::InlineTable::new();
        by_path.insert("path", format!("../functions/{}", self.name).into());
        manifest["dev-dependencies"][&self.name] = toml_edit::value(by_path);
        Ok((path.into(), manifest.to_string()))
    }
}

fn read(root: &Path, path: &str) -> Result<String> {
    fs::read_to_string(root.join(path)).map_err(|error| format!("{path}: {error}"))
}

fn write(path: &Path, content: &str) -> Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    }
    fs::write(path, content).map_err(|error| format!("{}: {error}", path.display()))
}

fn format_sources(root: &Path, sources: &[PathBuf]) -> Result<()> {
    run(Command::new("rustfmt").args(["--edition", "2024", "--config-path"]).arg(root).args(sources))
}

fn run(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().map_err(|error| format!("{program} does not start: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{program} ended with {status}")) }
}
