//! Calls, members and constants of the Rust sources, read from their tokens: inside macros, too, which `syn` does not parse.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Functions whose calls a check asks for; to keep all of them would cost more than it helps.
const CALLED: [&str; 4] = ["Failure::new", "Self::new", "metrics::count", "metrics::value"];

/// A call of one of [`CALLED`].
#[derive(Debug, PartialEq, Eq)]
pub struct Call {
    /// The last two names of its path, such as `Failure::new`.
    pub function: String,
    pub arguments: Vec<Argument>,
    pub is_in_test_code: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Argument {
    /// A string literal.
    Literal(String),
    /// A name, or a path: `FailureKind::Invalid`.
    Path(String),
    /// Any other expression.
    Other,
}

impl Argument {
    fn read(tokens: &[TokenTree]) -> Self {
        match tokens {
            [one @ TokenTree::Literal(_)] => literal(one).map_or(Self::Other, Self::Literal),
            path if path.iter().all(is_of_a_path) => Self::Path(path.iter().map(TokenTree::to_string).collect()),
            _ => Self::Other,
        }
    }
}

/// The call that `trees` begin with, if it is one of [`CALLED`].
pub fn call(trees: &[TokenTree]) -> Option<Call> {
    let [TokenTree::Ident(of), first, second, TokenTree::Ident(name), TokenTree::Group(group), ..] = trees else {
        return None;
    };
    let function = format!("{of}::{name}");
    let is_call = is_punct(first, ':') && is_punct(second, ':') && group.delimiter() == Delimiter::Parenthesis;
    if !is_call || !CALLED.contains(&function.as_str()) {
        return None;
    }
    let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
    let arguments = tokens.split(|tree| is_punct(tree, ',')).filter(|argument| !argument.is_empty());
    Some(Call { function, arguments: arguments.map(Argument::read).collect(), is_in_test_code: false })
}

/// The name and the text of a member `name: "text"` that `trees` begin with.
pub fn member(trees: &[TokenTree]) -> Option<(String, String)> {
    let [TokenTree::Ident(name), colon, value, rest @ ..] = trees else { return None };
    let is_whole = rest.first().is_none_or(|next| is_punct(next, ','));
    (is_punct(colon, ':') && is_whole).then(|| Some((name.to_string(), literal(value)?))).flatten()
}

/// The name and the text of a constant `const NAME: &str = "text";` that `trees` begin with.
pub fn constant(trees: &[TokenTree]) -> Option<(String, String)> {
    let [TokenTree::Ident(keyword), TokenTree::Ident(name), colon, rest @ ..] = trees else { return None };
    if *keyword != "const" || !is_punct(colon, ':') {
        return None;
    }
    let equals = rest.iter().position(|tree| is_punct(tree, '='))?;
    let is_text = rest[..equals].last().is_some_and(|kind| kind.to_string() == "str");
    let [value, end, ..] = &rest[equals + 1..] else { return None };
    (is_text && is_punct(end, ';')).then(|| Some((name.to_string(), literal(value)?))).flatten()
}

/// The code of a file without comments and space, in which a text is found however its lines are broken.
pub fn squeezed(code: &str) -> String {
    fn write(stream: TokenStream, text: &mut String) {
        for tree in stream {
            match tree {
                TokenTree::Group(group) if is_doc_comment(&group) => {}
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Brace => ("{", "}"),
                        Delimiter::Bracket => ("[", "]"),
                        Delimiter::None => ("", ""),
                    };
                    text.push_str(open);
                    write(group.stream(), text);
                    text.push_str(close);
                }
                other => text.push_str(&other.to_string()),
            }
        }
    }
    let mut text = String::new();
    write(code.parse().unwrap_or_else(|error| panic!("{code}: {error}")), &mut text);
    text
}

/// Whether a group in brackets is a doc comment.
pub fn is_doc_comment(group: &proc_macro2::Group) -> bool {
    let first = || group.stream().into_iter().next();
    group.delimiter() == Delimiter::Bracket && matches!(first(), Some(TokenTree::Ident(name)) if name == "doc")
}

/// The text of a string literal.
pub fn literal(tree: &TokenTree) -> Option<String> {
    let TokenTree::Literal(literal) = tree else { return None };
    syn::parse_str::<syn::LitStr>(&literal.to_string()).ok().map(|text| text.value())
}

fn is_of_a_path(tree: &TokenTree) -> bool {
    matches!(tree, TokenTree::Ident(_)) || is_punct(tree, ':')
}

fn is_punct(tree: &TokenTree, wanted: char) -> bool {
    matches!(tree, TokenTree::Punct(found) if found.as_char() == wanted)
}

#[test]
fn calls_members_and_constants_are_found_in_any_form() {
    let trees = |text: &str| text.parse::<TokenStream>().expect("tokens").into_iter().collect::<Vec<_>>();
    let found = call(&trees("Self::new(\n FailureKind::Invalid,\n \"a\",\n format!(\"b, {c}\"),\n)")).expect("a call");
    let kind = Argument::Path("FailureKind::Invalid".to_owned());
    assert_eq!(found.arguments, [kind, Argument::Literal("a".to_owned()), Argument::Other]);
    assert_eq!(call(&trees("Other::new(\"a\")")), None);
    let pair = |name: &str, text: &str| Some((name.to_owned(), text.to_owned()));
    assert_eq!(member(&trees("code: \"a\", ..failure")), pair("code", "a"));
    assert_eq!(member(&trees("code: \"a\".to_owned()")), None);
    assert_eq!(constant(&trees("const A: &'static str = \"a\";")), pair("A", "a"));
    assert_eq!(constant(&trees("const A: [&str; 1] = [\"a\"];")), None);
    assert_eq!(squeezed("/// a.b()\nlet x = a // b\n  .b();"), "#letx=a.b();");
}
