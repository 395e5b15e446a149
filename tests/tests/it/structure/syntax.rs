//! Properties of the Rust sources, read with `syn`: functions, tests, string literals and calls, with their lines.

use super::{
    calls::{self, Call, is_doc_comment, literal},
    sources::{Source, with_extension},
};
use proc_macro2::{TokenStream, TokenTree};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    sync::LazyLock,
};
use syn::{
    Attribute, Block, FnArg, ImplItemFn, Item, ItemFn, ItemMod, ItemTrait, Meta, Signature, TraitItemFn,
    TypeParamBound, punctuated::Punctuated, spanned::Spanned as _, token::Comma, visit::Visit,
};

/// Contract rules become tests by the macros of `testkit`, without an attribute of their own.
const CONTRACTS: &str = "shared/testkit/src/contract/";

/// A Rust file of the repository.
pub struct RustFile {
    /// Path from the root of the repository, with slashes.
    pub path: String,
    pub line_count: usize,
    pub begins_with_doc: bool,
    pub functions: Vec<Function>,
    /// String literals outside doc comments.
    pub literals: Vec<Word>,
    /// Identifiers outside doc comments that [`IDENTIFIERS`] lists.
    pub identifiers: Vec<Word>,
    /// The names in `catalog::NAME`.
    pub catalog_rows: BTreeSet<String>,
    /// Paths that begin with `crate` or `super`, up to the first name after it: `crate::money`, `super::super::money`.
    pub module_paths: Vec<Word>,
    pub calls: Vec<Call>,
    /// Members of structures with a string literal, `name: "text"`: the name and the text.
    pub members: Vec<(String, Word)>,
    /// Constants that are a string literal: the name and the text.
    pub constants: Vec<(String, Word)>,
    /// The text without the lines of test code, which are empty.
    pub production: String,
}

/// A function with a body.
pub struct Function {
    pub name: String,
    pub line: usize,
    /// From the signature to the closing brace.
    pub line_count: usize,
    /// Whether it is a test, or a contract rule that becomes one.
    pub is_test: bool,
    pub is_ignored: bool,
    pub is_in_test_code: bool,
    /// Traits that its parameters must implement, without those of closures. Instead of a trait of the file its supertraits.
    pub ports: Vec<String>,
}

/// A literal or an identifier.
pub struct Word {
    pub text: String,
    pub line: usize,
    pub is_in_test_code: bool,
}

/// Identifiers that a check asks for; to keep all of them would cost more than it helps.
const IDENTIFIERS: [&str; 2] = ["sleep", "sleep_until"];

/// Every Rust file of the repository, in the order of their paths. Parsed once per test binary.
pub fn rust_files() -> &'static [RustFile] {
    static FILES: LazyLock<Vec<RustFile>> = LazyLock::new(|| parse_all(&with_extension("rs")));
    &FILES
}

/// Reads `sources`, and marks as test code what only modules under `#[cfg(test)]` contain.
pub fn parse_all(sources: &[Source]) -> Vec<RustFile> {
    let parsed: Vec<(&Source, Reader)> = sources.iter().map(|source| (source, Reader::read(source))).collect();
    let test_modules: Vec<String> = parsed.iter().flat_map(|(_, reader)| reader.test_modules.clone()).collect();
    let finish = |(source, reader): (&Source, Reader)| {
        let is_test_file = is_test_path(&source.path) || test_modules.iter().any(|module| is_in(module, &source.path));
        reader.finish(source, is_test_file)
    };
    parsed.into_iter().map(finish).collect()
}

/// Whether a path is that of a test by the conventions of Cargo and of this repository.
fn is_test_path(path: &str) -> bool {
    path.ends_with("_tests.rs")
        || path.ends_with("/tests.rs")
        || ["tests/", "/tests/", "/examples/"].iter().any(|part| path.starts_with(part) || path.contains(part))
}

/// Whether `path` is the file of a module, or of one inside it. `module` is the path without `.rs`.
fn is_in(module: &str, path: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// What one pass over a file finds.
#[derive(Default)]
struct Reader {
    path: String,
    /// Inline modules around the item at hand.
    modules: Vec<String>,
    functions: Vec<Function>,
    /// Traits of the file with their supertraits, if they have any.
    traits: BTreeMap<String, Vec<String>>,
    /// Lines of items under `#[cfg(test)]`.
    test_lines: Vec<RangeInclusive<usize>>,
    /// Paths, without `.rs`, of modules under `#[cfg(test)]` that are files of their own.
    test_modules: Vec<String>,
    begins_with_doc: bool,
}

impl Reader {
    fn read(source: &Source) -> Self {
        let mut reader = Self { path: source.path.clone(), ..Self::default() };
        let file = syn::parse_file(&source.text).unwrap_or_else(|error| panic!("{}: {error}", source.path));
        reader.begins_with_doc = source.text.starts_with("//!") && file.attrs.first().is_some_and(is_doc);
        reader.visit_file(&file);
        reader
    }

    fn finish(self, source: &Source, is_test_file: bool) -> RustFile {
        let mut words = Words::default();
        words.collect(source.text.parse().unwrap_or_else(|error| panic!("{}: {error}", source.path)));
        let is_in_test_code = |line: usize| is_test_file || self.test_lines.iter().any(|lines| lines.contains(&line));
        let mark = |(line, text): (usize, String)| Word { text, line, is_in_test_code: is_in_test_code(line) };
        let mark_function = |function: Function| {
            let parts = |port: String| self.traits.get(&port).cloned().unwrap_or_else(|| vec![port]);
            let ports = function.ports.into_iter().flat_map(parts).collect();
            Function { is_in_test_code: is_in_test_code(function.line), ports, ..function }
        };
        let mark_named = |(line, (name, text)): (usize, (String, String))| (name, mark((line, text)));
        let mark_call = |(line, call): (usize, Call)| Call { is_in_test_code: is_in_test_code(line), ..call };
        let production = source.text.lines().zip(1..).map(|(line, at)| if is_in_test_code(at) { "" } else { line });
        RustFile {
            path: self.path,
            line_count: source.text.lines().count(),
            begins_with_doc: self.begins_with_doc,
            functions: self.functions.into_iter().map(mark_function).collect(),
            literals: words.literals.into_iter().map(mark).collect(),
            identifiers: words.identifiers.into_iter().map(mark).collect(),
            catalog_rows: words.catalog_rows,
            module_paths: words.module_paths.into_iter().map(mark).collect(),
            calls: words.calls.into_iter().map(mark_call).collect(),
            members: words.members.into_iter().map(mark_named).collect(),
            constants: words.constants.into_iter().map(mark_named).collect(),
            production: production.flat_map(|line| [line, "\n"]).collect(),
        }
    }

    fn add(&mut self, attributes: &[Attribute], signature: &Signature, block: &Block, is_public: bool) {
        let (start, end) = (signature.span().start().line, block.brace_token.span.close().end().line);
        let is_rule = is_public && signature.asyncness.is_some() && self.path.starts_with(CONTRACTS);
        self.functions.push(Function {
            name: signature.ident.to_string(),
            line: start,
            line_count: end - start + 1,
            is_test: is_rule || attributes.iter().any(|attribute| last_segment(attribute) == "test"),
            is_ignored: attributes.iter().any(|attribute| last_segment(attribute) == "ignore"),
            is_in_test_code: false,
            ports: ports(signature),
        });
    }

    /// The path of a module that is a file of its own, without `.rs`.
    fn module_path(&self, module: &ItemMod) -> String {
        let (directory, file) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        if let Some(path) = module.attrs.iter().find_map(path_attribute) {
            return format!("{directory}/{}", path.trim_end_matches(".rs"));
        }
        let stem = file.trim_end_matches(".rs");
        let own = if ["lib", "main", "mod"].contains(&stem) { None } else { Some(stem) };
        let name = module.ident.to_string();
        let inner = own.into_iter().chain(self.modules.iter().map(String::as_str)).chain([name.as_str()]);
        std::iter::once(directory).chain(inner).collect::<Vec<_>>().join("/")
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if attributes(item).iter().any(is_cfg_test) {
            self.test_lines.push(item.span().start().line..=item.span().end().line);
        }
        syn::visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if module.content.is_none() && module.attrs.iter().any(is_cfg_test) {
            self.test_modules.push(self.module_path(module));
        }
        self.modules.push(module.ident.to_string());
        syn::visit::visit_item_mod(self, module);
        self.modules.pop();
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        let is_public = matches!(function.vis, syn::Visibility::Public(_));
        self.add(&function.attrs, &function.sig, &function.block, is_public);
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.add(&function.attrs, &function.sig, &function.block, false);
        syn::visit::visit_impl_item_fn(self, function);
    }

    fn visit_item_trait(&mut self, item: &'ast ItemTrait) {
        let mut bounds = Bounds::default();
        item.supertraits.iter().for_each(|bound| bounds.visit_type_param_bound(bound));
        if !bounds.0.is_empty() {
            self.traits.insert(item.ident.to_string(), bounds.0);
        }
        syn::visit::visit_item_trait(self, item);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(block) = &function.default {
            self.add(&function.attrs, &function.sig, block, false);
        }
        syn::visit::visit_trait_item_fn(self, function);
    }
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn last_segment(attribute: &Attribute) -> String {
    attribute.path().segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default()
}

fn is_doc(attribute: &Attribute) -> bool {
    attribute.path().is_ident("doc")
}

/// `#[cfg(test)]`, and `#[cfg(all(test, …))]`.
fn is_cfg_test(attribute: &Attribute) -> bool {
    fn holds(meta: &Meta) -> bool {
        match meta {
            Meta::Path(path) => path.is_ident("test"),
            Meta::List(list) if list.path.is_ident("all") => nested(list).iter().any(holds),
            _ => false,
        }
    }
    fn nested(list: &syn::MetaList) -> Vec<Meta> {
        list.parse_args_with(Punctuated::<Meta, Comma>::parse_terminated).into_iter().flatten().collect()
    }
    match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => nested(list).iter().any(holds),
        _ => false,
    }
}

/// What `#[path = "…"]` says.
fn path_attribute(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else { return None };
    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(path), .. }) = &pair.value else { return None };
    pair.path.is_ident("path").then(|| path.value())
}

/// Names of traits in bounds, except closures and markers.
#[derive(Default)]
struct Bounds(Vec<String>);

impl<'ast> Visit<'ast> for Bounds {
    fn visit_type_param_bound(&mut self, bound: &'ast TypeParamBound) {
        const NO_PORTS: [&str; 9] =
            ["Fn", "FnMut", "FnOnce", "AsyncFn", "AsyncFnMut", "AsyncFnOnce", "Send", "Sync", "Into"];
        if let TypeParamBound::Trait(bound) = bound {
            let name = bound.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
            if !NO_PORTS.contains(&name.as_str()) {
                self.0.push(name);
            }
        }
    }
}

/// The traits of `impl Trait` parameters and of type parameters.
fn ports(signature: &Signature) -> Vec<String> {
    let mut bounds = Bounds::default();
    for input in &signature.inputs {
        if let FnArg::Typed(input) = input {
            bounds.visit_type(&input.ty);
        }
    }
    bounds.visit_generics(&signature.generics);
    bounds.0
}

/// Tokens of a file, macros included.
#[derive(Default)]
struct Words {
    literals: Vec<(usize, String)>,
    identifiers: Vec<(usize, String)>,
    catalog_rows: BTreeSet<String>,
    module_paths: Vec<(usize, String)>,
    calls: Vec<(usize, Call)>,
    members: Vec<(usize, (String, String))>,
    constants: Vec<(usize, (String, String))>,
}

impl Words {
    fn collect(&mut self, stream: TokenStream) {
        let trees: Vec<TokenTree> = stream.into_iter().collect();
        for (at, tree) in trees.iter().enumerate() {
            let line = tree.span().start().line;
            self.calls.extend(calls::call(&trees[at..]).map(|call| (line, call)));
            self.members.extend(calls::member(&trees[at..]).map(|member| (line, member)));
            self.constants.extend(calls::constant(&trees[at..]).map(|constant| (line, constant)));
            match tree {
                TokenTree::Ident(name) if *name == "crate" || *name == "super" => {
                    if at < 2 || !is_separator(&trees[at - 2..at]) {
                        let names = first_names(&trees[at..]).into_iter();
                        self.module_paths.extend(names.map(|path| (name.span().start().line, path)));
                    }
                }
                TokenTree::Group(group) if is_doc_comment(group) => {}
                TokenTree::Group(group) => self.collect(group.stream()),
                TokenTree::Literal(_) => self.literals.extend(literal(tree).map(|text| (line, text))),
                TokenTree::Ident(name) if *name == "catalog" => {
                    if let [separator @ .., TokenTree::Ident(row)] = trees.get(at + 1..at + 4).unwrap_or_default()
                        && is_separator(separator)
                    {
                        self.catalog_rows.insert(row.to_string());
                    }
                }
                TokenTree::Ident(name) if IDENTIFIERS.iter().any(|wanted| *name == *wanted) => {
                    self.identifiers.push((name.span().start().line, name.to_string()));
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
        }
    }
}

/// Whether two tokens are `::`.
fn is_separator(trees: &[TokenTree]) -> bool {
    matches!(trees, [TokenTree::Punct(one), TokenTree::Punct(two)] if (one.as_char(), two.as_char()) == (':', ':'))
}

/// The path at the start of `trees` up to its first name that is not `super`; several of a group, as in `use crate::{a, b::c}`.
fn first_names(trees: &[TokenTree]) -> Vec<String> {
    let [TokenTree::Ident(root), _, _, rest @ ..] = trees else { return vec![] };
    if !is_separator(&trees[1..3]) {
        return vec![];
    }
    let names = match rest {
        [TokenTree::Ident(name), ..] if *name == "super" => first_names(rest),
        [TokenTree::Ident(name), ..] => vec![name.to_string()],
        [TokenTree::Group(group), ..] => {
            let members: Vec<TokenTree> = group.stream().into_iter().collect();
            let is_comma = |tree: &TokenTree| matches!(tree, TokenTree::Punct(comma) if comma.as_char() == ',');
            let names = |member: &[TokenTree]| match member {
                [TokenTree::Ident(name), ..] if *name == "super" => first_names(member),
                [name, ..] => vec![name.to_string()],
                [] => vec![],
            };
            members.split(is_comma).flat_map(names).collect()
        }
        _ => vec![],
    };
    names.into_iter().map(|name| format!("{root}::{name}")).collect()
}
