//! Links of documents lead to files and headings that exist.

use super::{
    expect_none,
    sources::{Source, documents},
};
use std::path::{Component, Path, PathBuf};

/// The targets of the links outside of blocks of code, each with its line.
fn links(text: &str) -> Vec<(usize, &str)> {
    lines(text)
        .flat_map(|(number, line)| {
            let ends = line.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
            ends.map(move |(target, _)| (number, target)).collect::<Vec<_>>()
        })
        .collect()
}

/// The lines outside of fenced blocks, from 1.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    (1..).zip(text.lines()).filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    })
}

/// What GitHub makes of a heading.
fn anchor(heading: &str) -> String {
    let is_part = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    heading.trim().to_lowercase().chars().filter(is_part).map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn has_heading(text: &str, wanted: &str) -> bool {
    lines(text)
        .filter(|(_, line)| line.starts_with('#'))
        .any(|(_, line)| anchor(line.trim_start_matches('#')) == wanted)
}

/// A path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut normal, part| {
        match part {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            other => normal.push(other),
        }
        normal
    })
}

/// What is wrong with the links of a document. `read` has the text of a file of the repository.
fn broken(document: &Source, read: impl Fn(&Path) -> Option<String>) -> Vec<String> {
    let directory = Path::new(&document.path).parent().unwrap_or(Path::new(""));
    let is_broken = |target: &str| {
        if target.contains(':') {
            return false;
        }
        let (path, heading) = target.split_once('#').unwrap_or((target, ""));
        let path = if path.is_empty() { PathBuf::from(&document.path) } else { normal(&directory.join(path)) };
        let Some(text) = read(&path) else { return true };
        !heading.is_empty() && !has_heading(&text, heading)
    };
    let broken = links(&document.text).into_iter().filter(|(_, target)| is_broken(target));
    broken.map(|(line, target)| format!("{}:{line} links to {target}", document.path)).collect()
}

#[test]
fn links_of_documents_lead_to_files_and_headings() {
    let root = xtask::root();
    let read = |path: &Path| {
        let path = root.join(path);
        // Directories and pictures have no headings.
        path.exists().then(|| std::fs::read_to_string(path).unwrap_or_default())
    };
    let documents = documents();
    assert!(documents.iter().any(|one| one.path == "README.md") && documents.len() > 30, "the documents are found");
    let complaints: Vec<String> = documents.iter().flat_map(|one| broken(one, read)).collect();
    expect_none(&complaints, "name a file or heading that exists");
}

#[test]
fn link_to_what_does_not_exist_is_found() {
    let text = "# A `b`-c: d\n[x](#a-b-c-d) [y](#other)\n```\n[code](nowhere.md)\n```\n[z](../e.md#f) [web](https://example.com/#x)\n[gone](f.md)\n";
    let document = Source { path: "docs/a.md".to_owned(), text: text.to_owned() };
    let read = |path: &Path| match path.to_str() {
        Some("docs/a.md") => Some(text.to_owned()),
        Some("e.md") => Some("## F\n".to_owned()),
        _ => None,
    };
    assert_eq!(broken(&document, read), ["docs/a.md:2 links to #other", "docs/a.md:7 links to f.md"]);
}
