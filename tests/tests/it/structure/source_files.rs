//! The form of source files: their length, that of their functions, and how tests are written.

use super::{
    expect_none,
    sources::{Source, documents, terraform, with_extension},
    syntax::{Function, RustFile, Word, parse_all, rust_files},
};

/// Lines of a file. CONTRIBUTING names the limits.
const MAX_FILE_LINES: usize = 400;
/// Lines of a function, from its signature to its closing brace.
const MAX_FUNCTION_LINES: usize = 60;
/// Ports that a handler takes.
const MAX_PORTS: usize = 3;
/// Characters of a test's name.
const MAX_TEST_NAME: usize = 80;
/// Columns of a comment, which no formatter wraps.
const MAX_COMMENT_COLUMNS: usize = 150;
/// Words that comments, texts and documents do not use, each with a plain one.
const FORBIDDEN_WORDS: [(&str, &str); 12] = [
    ("stands still", "is stuck, stops"),
    ("stand still", "are stuck, stop"),
    ("stood still", "was stuck, stopped"),
    ("anew", "again"),
    ("what became of", "the result of"),
    ("what becomes of", "how it is handled"),
    ("tells apart", "distinguishes"),
    ("in vain", "without success"),
    ("for good", "permanently"),
    ("mend", "fix"),
    ("mends", "fixes"),
    ("mended", "fixed"),
];
/// Former words for what has a term, in lower case. Code does not use them either.
const FORMER_WORDS: [(&str, &str); 11] = [
    ("bury", "dead-letter"),
    ("buried", "dead-lettered"),
    ("graveyard", "dead-letter queue"),
    ("errand", "notification job"),
    ("hindrance", "blocked reason"),
    ("addressee", "recipient"),
    ("lapsed", "expired"),
    ("stockkept", "StockAllocated"),
    ("stockcommitted", "StockShipped"),
    ("gatewaymail", "GatewayEvent"),
    ("stripemail", "StripeWebhooks"),
];
/// Has these words as data.
const THIS_FILE: &str = "tests/tests/it/structure/source_files.rs";
/// In two parts, so that this file does not report itself.
const SLEEP: &str = concat!("sle", "ep(");

/// Files that may be longer, each with the reason why a split would not help its reader.
const LONG_FILES: [(&str, &str); 4] = [
    ("shared/api/src/problems.rs", "one table"),
    ("shared/domain/src/order/state_machine_tests.rs", "the cases of one transition table"),
    ("shared/testkit/src/contract/orders.rs", "the contract of one port"),
    ("shared/testkit/src/contract/reservations.rs", "the contract of one port"),
];
/// Functions that may be longer, as `path::name`, each with the reason.
const LONG_FUNCTIONS: [(&str, &str); 4] = [
    ("scripts/benchmark/src/orders/mod.rs::page", "the text of one page"),
    ("shared/domain/src/order/state_machine.rs::next", "one transition table"),
    ("shared/testkit/src/deliver_tests.rs::with_an_order_on", "one fixture without branches"),
    ("tests/tests/it/budget/reads.rs::reads", "one line for each route"),
];

/// Handlers that may take more ports, as `path::name`, each with the reason.
const WIDE_HANDLERS: [(&str, &str); 13] = [
    (
        "functions/credit-note-issue/src/lib.rs::handle",
        "one store has the invoices, their refunds and their credit notes",
    ),
    ("functions/queue-redrive/src/lib.rs::handle", "its dry run says what the consumer would do"),
    ("functions/message-send/src/lib.rs::handle", "the channel of the request decides which sender is used"),
    ("functions/update-send/src/lib.rs::handle", "the customer decides which senders are used"),
    (
        "functions/password-change/src/lib.rs::handle",
        "the old password is proven, the new one hashed, and sessions end",
    ),
    (
        "functions/password-reset-confirm/src/lib.rs::handle",
        "the token is checked, the password hashed, and sessions end",
    ),
    ("functions/user-login/src/lib.rs::handle", "one store has the account and the login that is to be finished"),
    ("functions/user-login-mfa/src/lib.rs::handle", "one store has the account and its second factor"),
    ("functions/totp-begin/src/lib.rs::handle", "one store has the account and its second factor"),
    (
        "functions/totp-remove/src/lib.rs::handle",
        "password and code are proven, the second factor removed, and sessions end",
    ),
    ("functions/password-reset-send/src/lib.rs::handle", "one store has the user, the token and what was sent"),
    (
        "functions/webhook-delivery-retry/src/lib.rs::handle",
        "one store has the endpoint, its log and its queue; secrets are opened, and the delivery is sent",
    ),
    (
        "functions/webhook-endpoint-test/src/lib.rs::handle",
        "one store has the endpoint, its log and its queue; secrets are opened, and the event is sent",
    ),
];

#[test]
fn every_source_file_begins_with_a_doc_line() {
    let mut complaints = undocumented(rust_files());
    for source in with_extension("py") {
        let first = source.text.lines().find(|line| !line.starts_with("#!")).unwrap_or_default();
        if !first.starts_with("\"\"\"") {
            complaints.push(format!("{} does not begin with a docstring", source.path));
        }
    }
    expect_none(&complaints, "begin the file with one line that says what it is for");
}

fn undocumented(files: &[RustFile]) -> Vec<String> {
    let undocumented = files.iter().filter(|file| !file.begins_with_doc);
    undocumented.map(|file| format!("{} does not begin with a `//!` line", file.path)).collect()
}

#[test]
fn source_files_have_at_most_400_lines() {
    let rust = rust_files().iter().map(|file| (file.path.clone(), file.line_count));
    let python = with_extension("py").into_iter().map(|source| (source.path, source.text.lines().count()));
    let complaints = exceeding(rust.chain(python), "lines", MAX_FILE_LINES, &LONG_FILES);
    expect_none(&complaints, "split the file where its parts depend least on each other");
}

#[test]
fn functions_have_at_most_60_lines() {
    let complaints = exceeding(functions(rust_files()), "lines", MAX_FUNCTION_LINES, &LONG_FUNCTIONS);
    expect_none(&complaints, "move a step with a name of its own into a function");
}

/// Every function as `path::name`, with its length.
fn functions(files: &[RustFile]) -> impl Iterator<Item = (String, usize)> {
    let name = |file: &RustFile, function: &Function| format!("{}::{}", file.path, function.name);
    files.iter().flat_map(move |file| file.functions.iter().map(move |one| (name(file, one), one.line_count)))
}

/// What exceeds `limit` and is not `allowed`, and what is `allowed` without need.
fn exceeding(
    all: impl Iterator<Item = (String, usize)>,
    unit: &str,
    limit: usize,
    allowed: &[(&str, &str)],
) -> Vec<String> {
    let large: Vec<_> = all.filter(|(_, count)| *count > limit).collect();
    let is_allowed = |name: &str| allowed.iter().any(|(one, _)| *one == name);
    let forbidden = large.iter().filter(|(name, _)| !is_allowed(name));
    let forbidden = forbidden.map(|(name, count)| format!("{name} has {count} {unit}, more than {limit}"));
    let stale = allowed.iter().filter(|(one, _)| !large.iter().any(|(name, _)| name == one));
    let stale = stale.map(|(name, _)| format!("{name} is an exception that is not needed"));
    forbidden.chain(stale).collect()
}

#[test]
fn handlers_take_at_most_three_ports() {
    let complaints = exceeding(ports(rust_files()), "ports", MAX_PORTS, &WIDE_HANDLERS);
    expect_none(&complaints, "a handler that needs more ports is two functions");
}

/// Every function of the handlers' crates as `path::name`, with the number of traits that its parameters must implement.
fn ports(files: &[RustFile]) -> impl Iterator<Item = (String, usize)> {
    let handlers = files.iter().filter(|file| file.path.starts_with("functions/"));
    let name = |file: &RustFile, function: &Function| format!("{}::{}", file.path, function.name);
    handlers.flat_map(move |file| {
        let production = file.functions.iter().filter(|function| !function.is_in_test_code);
        production.map(move |one| (name(file, one), one.ports.len()))
    })
}

#[test]
fn test_names_have_at_most_80_characters() {
    let mut complaints: Vec<_> = rust_files().iter().flat_map(long_test_names).collect();
    for source in with_extension("py") {
        let tests =
            source.text.lines().filter_map(|line| line.trim_start().strip_prefix("def test_")?.split('(').next());
        let long = tests.filter(|name| "test_".len() + name.chars().count() > MAX_TEST_NAME);
        complaints.extend(long.map(|name| format!("{}: test_{name}", source.path)));
    }
    complaints.extend(["ts", "tsx", "js"].into_iter().flat_map(with_extension).flat_map(|source| long_titles(&source)));
    expect_none(&complaints, "state the rule, and leave out how it is shown");
}

fn long_test_names(file: &RustFile) -> Vec<String> {
    let tests = file.functions.iter().filter(|function| function.is_test);
    let long = tests.filter(|test| test.name.chars().count() > MAX_TEST_NAME);
    long.map(|test| format!("{}:{} {}", file.path, test.line, test.name)).collect()
}

/// Titles of `test("…")` in TypeScript and JavaScript, also those with a value in them.
fn long_titles(source: &Source) -> Vec<String> {
    let quotes = ['"', '`'];
    let lines = source.text.lines();
    let titles =
        lines.filter_map(|line| line.trim_start().strip_prefix("test(")?.strip_prefix(quotes)?.split(quotes).next());
    let long = titles.filter(|title| title.chars().count() > MAX_TEST_NAME);
    long.map(|title| format!("{}: {title}", source.path)).collect()
}

#[test]
fn comments_have_at_most_150_columns_and_use_plain_words() {
    let sources = ["rs", "py", "js", "ts", "tsx", "sql"].into_iter().flat_map(with_extension);
    // The types of the API, which a build of the pages generates.
    let sources = sources.filter(|source| !source.path.ends_with(".d.ts") && source.path != THIS_FILE);
    let complaints: Vec<_> = sources.flat_map(|source| unreadable_comments(&source)).collect();
    expect_none(&complaints, "wrap the comment, and use the word of docs/glossary.md");
}

#[test]
fn texts_in_code_and_templates_use_plain_words() {
    let files = rust_files().iter().filter(|file| file.path != THIS_FILE);
    let mut complaints: Vec<_> = files.flat_map(forbidden_in_literals).collect();
    for source in ["html", "txt", "short", "subject"].into_iter().flat_map(with_extension) {
        complaints.extend(forbidden_words(&source.path, source.text.lines()));
    }
    expect_none(&complaints, "use the word of docs/glossary.md");
}

fn forbidden_in_literals(file: &RustFile) -> Vec<String> {
    let lines = |literal: &Word| forbidden_words(&format!("{}:{}", file.path, literal.line), literal.text.lines());
    file.literals.iter().flat_map(lines).collect()
}

#[test]
fn documents_and_terraform_use_plain_words() {
    let sources = documents().into_iter().chain(terraform());
    let complaints: Vec<_> = sources.flat_map(|source| forbidden_words(&source.path, source.text.lines())).collect();
    expect_none(&complaints, "use the word of docs/glossary.md");
}

fn unreadable_comments(source: &Source) -> Vec<String> {
    let starts: &[&str] = match source.path.rsplit('.').next() {
        Some("py") => &["#", "\"\"\""],
        Some("sql") => &["--"],
        _ => &["//", "/*", "* "],
    };
    let is_comment = |line: &str| starts.iter().any(|start| line.trim_start().starts_with(start));
    // In Python every line is read: docstrings go on over several lines, and what a command prints is a string.
    let is_read = |line: &str| is_comment(line) || source.path.ends_with(".py");
    let mut complaints =
        forbidden_words(&source.path, source.text.lines().map(|line| if is_read(line) { line } else { "" }));
    let code = source.text.lines().map(|line| if is_read(line) { "" } else { line });
    complaints.extend(used_words(&source.path, code, &FORMER_WORDS));
    let lines = source.text.lines().enumerate().filter(|(_, line)| is_comment(line));
    let wide = lines.filter(|(_, line)| line.chars().count() > MAX_COMMENT_COLUMNS);
    complaints
        .extend(wide.map(|(n, _)| format!("{}:{} is wider than {MAX_COMMENT_COLUMNS} columns", source.path, n + 1)));
    complaints
}

fn forbidden_words<'a>(path: &str, lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    used_words(path, lines, &[&FORBIDDEN_WORDS[..], &FORMER_WORDS].concat())
}

/// The lines that use one of `words`.
fn used_words<'a>(path: &str, lines: impl Iterator<Item = &'a str>, words: &[(&str, &str)]) -> Vec<String> {
    let mut complaints = Vec::new();
    for (n, line) in lines.enumerate() {
        let lower = line.to_lowercase();
        let parts: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect();
        let text = format!(" {} ", parts.join(" "));
        let used = words.iter().filter(|(word, _)| text.contains(&format!(" {word} ")));
        complaints.extend(used.map(|(word, plain)| format!("{path}:{} {word}: {plain}", n + 1)));
    }
    complaints
}

#[test]
fn no_test_is_ignored_or_sleeps() {
    let complaints: Vec<_> = rust_files().iter().flat_map(ignored_or_asleep).collect();
    expect_none(&complaints, "wait for a condition; a test that cannot run here is not written");
}

fn ignored_or_asleep(file: &RustFile) -> Vec<String> {
    let ignored = file.functions.iter().filter(|function| function.is_ignored).map(|one| (one.line, "is ignored"));
    let in_sql = file.literals.iter().filter(|literal| literal.text.contains(SLEEP));
    let asleep = file.identifiers.iter().chain(in_sql).filter(|word| word.is_in_test_code);
    let asleep = asleep.map(|word| (word.line, "sleeps"));
    ignored.chain(asleep).map(|(line, what)| format!("{}:{line} {what}", file.path)).collect()
}

/// A file as the checks see it.
fn parsed(path: &str, text: &str) -> RustFile {
    let source = Source { path: path.to_owned(), text: text.to_owned() };
    parse_all(&[source]).pop().expect("one file")
}

#[test]
fn checks_report_what_they_forbid() {
    let long = format!("fn long() {{\n{}}}", "    step();\n".repeat(59));
    assert_eq!(undocumented(&[parsed("a.rs", "fn none() {}")]).len(), 1);
    let length = |allowed: &[(&str, &str)]| exceeding(functions(&[parsed("a.rs", &long)]), "lines", 60, allowed);
    assert_eq!(length(&[]), ["a.rs::long has 61 lines, more than 60"]);
    assert!(length(&[("a.rs::long", "")]).is_empty());
    assert_eq!(length(&[("a.rs::long", ""), ("a.rs::gone", "")]), ["a.rs::gone is an exception that is not needed"]);
    let count = |text: &str| ports(&[parsed("functions/a/src/lib.rs", text)]).map(|(_, count)| count).sum::<usize>();
    assert_eq!(count("pub async fn handle(a: &impl A, b: &(impl B + C), d: (&impl D, &impl E), f: impl Fn(u8)) {}"), 5);
    assert_eq!(count("pub async fn handle<P: A>(a: &P) where P: B {}"), 2);
    assert_eq!(count("pub trait Both: A + B {}\npub async fn handle(a: &impl Both, c: &impl C) {}"), 3);
    let comments = format!("/// It stands still.\nlet anew = StockKept;\n// {}\n", "a".repeat(148));
    let comments = Source { path: "a.rs".to_owned(), text: comments };
    let expected = [
        "a.rs:1 stands still: is stuck, stops",
        "a.rs:2 stockkept: StockAllocated",
        "a.rs:3 is wider than 150 columns",
    ];
    assert_eq!(unreadable_comments(&comments), expected);
    let literals = parsed("a.rs", "fn say() { log(\"it begins\\nanew\"); buried(); }");
    assert_eq!(forbidden_in_literals(&literals), ["a.rs:1:2 anew: again"]);
    let docstring =
        Source { path: "a.py".to_owned(), text: "\"\"\"What it does.\n\nIt begins anew.\n\"\"\"\n".to_owned() };
    assert_eq!(unreadable_comments(&docstring), ["a.py:3 anew: again"]);
    let name = "a".repeat(81);
    assert_eq!(
        long_test_names(&parsed("a.rs", &format!("mod b {{ #[tokio::test] async fn {name}() {{}} }}"))).len(),
        1
    );
    assert!(long_test_names(&parsed("a.rs", &format!("fn {name}() {{}}"))).is_empty(), "not a test");
    let sleeps =
        format!("fn production() {{ {SLEEP}); }}\n#[cfg(test)]\nmod tests {{ fn wait() {{ time::{SLEEP}1); }} }}\n");
    assert_eq!(ignored_or_asleep(&parsed("src/a.rs", &sleeps)), ["src/a.rs:3 sleeps"]);
    assert_eq!(ignored_or_asleep(&parsed("src/a.rs", "#[test]\n#[ignore]\nfn later() {}")), ["src/a.rs:3 is ignored"]);
    assert_eq!(
        ignored_or_asleep(&parsed("tests/a.rs", &format!("fn wait() {{ run(\"SELECT pg_{SLEEP}1)\") }}"))).len(),
        1
    );
}
