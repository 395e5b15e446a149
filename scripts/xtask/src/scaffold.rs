//! `cargo xtask new`: creates a function that compiles, with its catalog row, sample events and a failing test.

mod envelopes;

use crate::Result;
use catalog::{Context, Event, Method};
use minijinja::{Environment, UndefinedBehavior, context, syntax::SyntaxConfig};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The catalog's rows, in a file for each context.
const ROWS: &str = "shared/catalog/src/functions";
/// The contract of the routes.
const CONTRACT: &str = "scripts/xtask/src/codegen/openapi/operations.rs";
/// The tests of handlers.
const TESTS: &str = "tests/tests/it/functions";

/// A function to create.
pub struct NewFunction {
    /// Noun first, then the action, with dashes: `order-note-add`.
    pub name: String,
    /// The owning context. Defaults to the context of functions with the same noun.
    pub context: Option<String>,
    pub trigger: Trigger,
}

/// What invokes a new function.
pub enum Trigger {
    Http {
        /// Method and path: `POST /api/v1/x`.
        route: String,
        /// Who may call it: `public`, `customer`, `user`, `staff` or `owner`.
        auth: String,
        /// Whether it requires an `Idempotency-Key`.
        idempotent: bool,
    },
    /// Events, by name.
    On(Vec<String>),
}

/// A validated [`NewFunction`].
struct Plan {
    name: String,
    context: Context,
    kind: Kind,
}

enum Kind {
    Http { method: Method, path: String, auth: &'static str, role: Option<&'static str>, idempotent: bool },
    Queue { events: Vec<&'static Event> },
}

/// Writes all files of the function. Returns the paths that are new or changed.
pub fn create(root: &Path, function: NewFunction) -> Result<Vec<String>> {
    let plan = validate(function)?;
    let name = &plan.name;
    let (main, library, test) = match plan.kind {
        Kind::Http { .. } => ("http_main.rs", "http_lib.rs", "http_test.rs"),
        Kind::Queue { .. } => ("queue_main.rs", "queue_lib.rs", "queue_test.rs"),
    };
    let templates = Templates::new()?;
    let mut files = vec![
        (format!("functions/{name}/Cargo.toml"), templates.render("Cargo.toml", &plan)?),
        (format!("functions/{name}/src/main.rs"), templates.render(main, &plan)?),
        (format!("functions/{name}/src/lib.rs"), templates.render(library, &plan)?),
        (format!("{TESTS}/{}.rs", plan.crate_name()), templates.render(test, &plan)?),
    ];
    for (case, envelope) in envelopes::samples(root, &plan)? {
        files.push((format!("events/{name}/{case}.json"), crate::codegen::pretty(envelope)?));
    }
    if let Some((existing, _)) = files.iter().find(|(path, _)| root.join(path).exists()) {
        return Err(format!("{existing} already exists"));
    }
    // All content is computed before the first file is written.
    let mut edits = vec![plan.catalog_edit(root)?, plan.test_module_edit(root)?, plan.test_manifest_edit(root)?];
    edits.extend(plan.contract_edit(root)?);
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

/// Updates the generated files with a rebuilt xtask, because this process was compiled without the new row.
pub fn regenerate(root: &Path) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    run(Command::new(cargo).args(["run", "-q", "-p", "xtask", "--", "codegen"]).current_dir(root))
}

fn validate(function: NewFunction) -> Result<Plan> {
    let name = function.name;
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    if !name.contains('-') || !name.split('-').all(is_word) || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Err(format!("{name:?} is not a function name: use a noun, then an action, such as order-note-add"));
    }
    if catalog::find(&name).is_some() {
        return Err(format!("the catalog already has a function {name}"));
    }
    let context = match function.context {
        Some(wanted) => catalog::CONTEXTS.iter().copied().find(|context| context.name() == wanted),
        None => {
            let noun = name.split('-').next();
            catalog::FUNCTIONS.iter().find(|row| row.name.split('-').next() == noun).map(|row| row.context)
        }
    };
    let contexts = || catalog::CONTEXTS.iter().map(|context| context.name()).collect::<Vec<_>>().join(", ");
    let context = context.ok_or_else(|| format!("choose the owning context with --context: {}", contexts()))?;
    let kind = match function.trigger {
        Trigger::Http { route, auth, idempotent } => http(&route, &auth, idempotent)?,
        Trigger::On(names) => Kind::Queue { events: names.iter().map(|name| event(name)).collect::<Result<_>>()? },
    };
    Ok(Plan { name, context, kind })
}

fn http(route: &str, auth: &str, idempotent: bool) -> Result<Kind> {
    const METHODS: [Method; 5] = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];
    let (method, path) = route.split_once(' ').unwrap_or_default();
    let known = METHODS.into_iter().find(|known| known.name() == method).filter(|_| path.starts_with('/'));
    let method = known.ok_or_else(|| format!("{route:?} is not a route: use the form \"POST /api/v1/things\""))?;
    let taken = catalog::FUNCTIONS.iter().find(
        |row| matches!(row.trigger, catalog::Trigger::Http { method: m, path: p, .. } if m == method && p == path),
    );
    if let Some(row) = taken {
        return Err(format!("{} already serves {route}", row.name));
    }
    let (auth, role) = match auth {
        "public" => ("Public", None),
        "customer" => ("CUSTOMER_ONLY", Some(catalog::role::CUSTOMER)),
        "user" => ("ANY_USER", Some(catalog::role::CUSTOMER)),
        "staff" => ("STAFF_OR_ADMIN", Some(catalog::role::STAFF)),
        "owner" => ("OWNER_OR_STAFF", Some(catalog::role::CUSTOMER)),
        other => {
            return Err(format!(
                "--auth {other:?} is unknown: choose public, customer, user, staff, or owner (the customer who owns it, or staff)"
            ));
        }
    };
    Ok(Kind::Http { method, path: path.into(), auth, role, idempotent })
}

fn event(name: &str) -> Result<&'static Event> {
    let known = || catalog::EVENTS.iter().map(|event| event.name).collect::<Vec<_>>().join(", ");
    catalog::find_event(name).ok_or_else(|| format!("the catalog has no event {name}: choose from {}", known()))
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

/// The templates of a function's files.
struct Templates(Environment<'static>);

impl Templates {
    fn new() -> Result<Self> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax = SyntaxConfig::builder().keep_trailing_newline(true).trim_blocks(true).build();
        environment.set_syntax(syntax.map_err(|error| error.to_string())?);
        for (name, source) in [
            ("Cargo.toml", include_str!("scaffold/templates/Cargo.toml.jinja")),
            ("http_lib.rs", include_str!("scaffold/templates/http_lib.rs.jinja")),
            ("http_main.rs", include_str!("scaffold/templates/http_main.rs.jinja")),
            ("http_test.rs", include_str!("scaffold/templates/http_test.rs.jinja")),
            ("queue_lib.rs", include_str!("scaffold/templates/queue_lib.rs.jinja")),
            ("queue_main.rs", include_str!("scaffold/templates/queue_main.rs.jinja")),
            ("queue_test.rs", include_str!("scaffold/templates/queue_test.rs.jinja")),
        ] {
            environment.add_template(name, source).map_err(|error| format!("template {name}: {error:#}"))?;
        }
        Ok(Self(environment))
    }

    fn render(&self, name: &str, plan: &Plan) -> Result<String> {
        let render = || self.0.get_template(name)?.render(plan.values());
        render().map_err(|error| format!("template {name}: {error:#}"))
    }
}

impl Plan {
    fn crate_name(&self) -> String {
        self.name.replace('-', "_")
    }

    fn has_body(&self) -> bool {
        matches!(self.kind, Kind::Http { method: Method::Post | Method::Put | Method::Patch, .. })
    }

    /// Name of the bad sample, and the expected status.
    fn bad_case(&self) -> (&'static str, u16) {
        match &self.kind {
            Kind::Http { .. } if self.has_body() => ("bad_unknown_field", 422),
            Kind::Http { role: Some(_), .. } => ("bad_no_principal", 401),
            Kind::Http { .. } => ("bad_body_is_ignored", 200),
            Kind::Queue { .. } => ("bad_mixed_batch", 200),
        }
    }

    /// The variables of the templates.
    fn values(&self) -> minijinja::Value {
        let (bad_case, bad_status) = self.bad_case();
        let common = context! {
            name => self.name.as_str(),
            crate_name => self.crate_name(),
            constant => self.crate_name().to_uppercase(),
            bad_case,
            bad_status,
        };
        match &self.kind {
            Kind::Http { method, path, role, .. } => context! {
                is_public => role.is_none(),
                route => format!("{} {path}", method.name()),
                has_body => self.has_body(),
                status => if *method == Method::Post { 201 } else { 200 },
                dependencies => route_dependencies(role.is_none()),
                ..common
            },
            Kind::Queue { events } => context! {
                events => events.iter().map(|event| format!("`{}`", event.name)).collect::<Vec<_>>(),
                patterns => events.iter().map(|event| format!("DomainEvent::{}(_)", type_of(event))).collect::<Vec<_>>(),
                dependencies => ["adapters", "adapters-sqs", "catalog", "domain", "edge", "kernel", "tokio"],
                ..common
            },
        }
    }

    fn row(&self) -> String {
        const MAX_WIDTH: usize = 120;
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
        let gap = if begin.len() + trigger.len() < MAX_WIDTH { "" } else { "\n        " };
        format!("    /// Describe what the function does.\n{begin}{gap}{trigger};\n")
    }

    /// Adds the row at the end of its context's file.
    fn catalog_edit(&self, root: &Path) -> Result<(String, String)> {
        let path = format!("{ROWS}/{}.rs", self.context.name());
        let text = read(root, &path)?;
        let rows = text.strip_suffix("}\n").ok_or_else(|| format!("{path} does not end with its rows"))?;
        let edited = format!("{rows}{}}}\n", self.row());
        Ok((path, edited))
    }

    /// Adds the entry of a route without bodies, which the author completes, to the contract.
    fn contract_edit(&self, root: &Path) -> Result<Option<(String, String)>> {
        let Kind::Http { .. } = self.kind else { return Ok(None) };
        let text = read(root, CONTRACT)?;
        let heading = format!("fn {}() -> Vec<Operation> {{", self.context.name());
        let at = text.find(&heading).and_then(|start| Some(start + text[start..].find("\n    ]\n")? + 1));
        let (before, after) = text.split_at(at.ok_or_else(|| format!("{CONTRACT} has no {heading:?}"))?);
        let entry = format!("        route(catalog::{}),\n", self.crate_name().to_uppercase());
        Ok(Some((CONTRACT.into(), format!("{before}{entry}{after}"))))
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
        let mut dependency = toml_edit::InlineTable::new();
        dependency.insert("path", format!("../functions/{}", self.name).into());
        manifest["dev-dependencies"][&self.name] = toml_edit::value(dependency);
        Ok((path.into(), manifest.to_string()))
    }
}

/// The crates that a route needs; a public one also proves the addresses of its clients.
fn route_dependencies(is_public: bool) -> Vec<&'static str> {
    let all = ["adapters", "adapters-auth", "adapters-redis", "catalog", "edge", "kernel", "serde", "tokio"];
    all.into_iter().filter(|name| is_public || *name != "adapters-auth").collect()
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
    let status = command.status().map_err(|error| format!("{program} cannot be started: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{program} failed: {status}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(trigger: Trigger) -> Vec<String> {
        let plan = validate(NewFunction { name: "order-test-add".into(), context: None, trigger }).unwrap();
        let templates = Templates::new().unwrap();
        let names = match plan.kind {
            Kind::Http { .. } => ["Cargo.toml", "http_main.rs", "http_lib.rs", "http_test.rs"],
            Kind::Queue { .. } => ["Cargo.toml", "queue_main.rs", "queue_lib.rs", "queue_test.rs"],
        };
        names.map(|name| templates.render(name, &plan).unwrap()).into()
    }

    #[test]
    fn every_template_has_its_variables() {
        let route = |method: &str| Trigger::Http {
            route: format!("{method} /api/v1/order-tests"),
            auth: "staff".into(),
            idempotent: false,
        };
        for trigger in [route("POST"), route("GET"), Trigger::On(vec![catalog::EVENTS[0].name.into()])] {
            for text in rendered(trigger) {
                assert!(!text.contains("{{") && !text.contains("{%"), "{text}");
                assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{text}");
            }
        }
    }

    #[test]
    fn row_is_the_last_of_its_contexts_file() {
        let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        for context in catalog::CONTEXTS {
            let kind = Kind::Queue { events: vec![catalog::EVENTS[0]] };
            let plan = Plan { name: "order-test-add".into(), context: *context, kind };
            let (path, text) = plan.catalog_edit(root).unwrap();
            assert_eq!(path, format!("shared/catalog/src/functions/{}.rs", context.name()));
            assert!(text.ends_with(&format!(";\n{}}}\n", plan.row())), "{text}");
        }
    }

    #[test]
    fn event_type_and_constant_follow_from_the_event_name() {
        let placed = event("OrderPlaced.v1").unwrap();
        assert_eq!((type_of(placed).as_str(), constant_of(placed).as_str()), ("OrderPlaced", "ORDER_PLACED"));
    }
}
