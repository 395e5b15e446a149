//! Modules of the inner crates: those at the top level of a crate depend on each other in one direction.

use super::{
    expect_none,
    sources::{Source, with_extension},
    syntax::{RustFile, parse_all},
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use syn::{Item, UseTree, Visibility};

/// Crates whose modules have no cycle. `catalog` is one table in several files.
const LAYERED: [&str; 6] = ["api", "domain", "edge", "kernel", "ports", "services"];

/// For each module the modules that it depends on, each with a place where it does.
type Dependencies = BTreeMap<String, BTreeMap<String, String>>;

#[test]
fn modules_of_inner_crates_have_no_import_cycle() {
    let sources = with_extension("rs");
    let complaints: Vec<_> = LAYERED.iter().flat_map(|name| cycles(&format!("shared/{name}/src/"), &sources)).collect();
    expect_none(&complaints, "move what both need to a module that depends on neither, such as one of value types");
}

#[test]
fn import_cycle_is_found_through_reexports_groups_and_macros() {
    let file = |path: &str, text: &str| Source { path: format!("src/{path}"), text: text.to_owned() };
    let cycles = |used: &str, tested: &str| {
        let root = "mod order; mod event; mod money; pub use event::Event; pub use money::*; pub type Alias = u8;";
        let event = format!("use crate::{{Money, id}};\n{used}\n#[cfg(test)] mod tests {{ {tested} }}");
        let money = "pub struct Money; pub fn zero() {}";
        let order = file("order/place.rs", "use crate::Event;");
        cycles("src/", &[file("lib.rs", root), file("event.rs", &event), file("money.rs", money), order])
    };
    assert!(cycles("use crate::Alias;", "use crate::order::Place;").is_empty(), "tests may depend on anything");
    let found = ["event → order → event (src/event.rs:2, src/order/place.rs:1)"];
    for used in ["use crate::{Alias, order::Place};", "use super::order;", "fn f() { g!(crate::order::h()) }"] {
        assert_eq!(cycles(used, ""), found, "{used}");
    }
}

/// The cycles among the top-level modules of the crate whose files are in `directory`, each with the places that make it.
fn cycles(directory: &str, sources: &[Source]) -> Vec<String> {
    let own = sources.iter().filter(|source| source.path.starts_with(directory));
    let own: Vec<_> = own.map(|source| Source { path: source.path.clone(), text: source.text.clone() }).collect();
    let modules: BTreeSet<String> = own.iter().map(|source| module_of(directory, &source.path).0).collect();
    let exported = reexports(directory, &own);
    let mut dependencies = Dependencies::new();
    for file in parse_all(&own) {
        let (module, depth) = module_of(directory, &file.path);
        for (name, place) in root_names(&file, depth) {
            let target = exported.get(&name).unwrap_or(&name);
            if modules.contains(target) && *target != module && module != "lib" {
                dependencies.entry(module.clone()).or_default().entry(target.clone()).or_insert(place);
            }
        }
    }
    let mut found = BTreeMap::new();
    for module in &modules {
        if let Some((path, places)) = cycle(module, &dependencies) {
            let members: BTreeSet<_> = path.iter().cloned().collect();
            found.entry(members).or_insert_with(|| format!("{} ({})", path.join(" → "), places.join(", ")));
        }
    }
    found.into_values().collect()
}

/// The top-level module of a file, and how deep the file's module is: 1 for the top level.
fn module_of(directory: &str, path: &str) -> (String, usize) {
    let inner = path.strip_prefix(directory).unwrap_or(path).trim_end_matches(".rs").trim_end_matches("/mod");
    (inner.split('/').next().unwrap_or_default().to_owned(), inner.split('/').count())
}

/// The names that the code of a file takes from the root of its crate, each with its place.
fn root_names(file: &RustFile, depth: usize) -> Vec<(String, String)> {
    let code = file.module_paths.iter().filter(|path| !path.is_in_test_code);
    let name = |path: &str| match path.strip_prefix("crate::") {
        Some(name) => Some(name.to_owned()),
        None => path.strip_prefix(&"super::".repeat(depth)).map(str::to_owned),
    };
    code.filter_map(|path| Some((name(&path.text)?, format!("{}:{}", file.path, path.line)))).collect()
}

/// The module of each item that the root of the crate exports.
fn reexports(directory: &str, sources: &[Source]) -> BTreeMap<String, String> {
    let items = |module: &str| {
        let path = format!("{directory}{module}.rs");
        let text = sources.iter().find(|source| source.path == path).map_or("", |source| source.text.as_str());
        syn::parse_file(text).expect("Rust").items
    };
    let mut exported = BTreeMap::new();
    for item in items("lib") {
        let Item::Use(one) = item else { continue };
        let UseTree::Path(path) = one.tree else { continue };
        let module = path.ident.to_string();
        let names = match *path.tree {
            UseTree::Glob(_) => items(&module).iter().filter_map(public_name).collect(),
            ref tree => names(tree),
        };
        exported.extend(names.into_iter().map(|name| (name, module.clone())));
    }
    exported
}

/// The names that a `use` brings.
fn names(tree: &UseTree) -> Vec<String> {
    match tree {
        UseTree::Name(name) => vec![name.ident.to_string()],
        UseTree::Rename(name) => vec![name.rename.to_string()],
        UseTree::Path(path) => names(&path.tree),
        UseTree::Group(group) => group.items.iter().flat_map(names).collect(),
        _ => vec![],
    }
}

fn public_name(item: &Item) -> Option<String> {
    let (visibility, name) = match item {
        Item::Const(item) => (&item.vis, &item.ident),
        Item::Enum(item) => (&item.vis, &item.ident),
        Item::Fn(item) => (&item.vis, &item.sig.ident),
        Item::Struct(item) => (&item.vis, &item.ident),
        Item::Trait(item) => (&item.vis, &item.ident),
        Item::Type(item) => (&item.vis, &item.ident),
        _ => return None,
    };
    matches!(visibility, Visibility::Public(_)).then(|| name.to_string())
}

/// The shortest way from a module back to itself, and the place of each step.
fn cycle(start: &str, dependencies: &Dependencies) -> Option<(Vec<String>, Vec<String>)> {
    let mut waiting = VecDeque::from([(vec![start.to_owned()], vec![])]);
    let mut seen = BTreeSet::new();
    while let Some((path, places)) = waiting.pop_front() {
        for (next, place) in path.last().and_then(|last| dependencies.get(last)).into_iter().flatten() {
            let (mut path, mut places) = (path.clone(), places.clone());
            path.push(next.clone());
            places.push(place.clone());
            if next == start {
                return Some((path, places));
            }
            if seen.insert(next.clone()) {
                waiting.push_back((path, places));
            }
        }
    }
    None
}
