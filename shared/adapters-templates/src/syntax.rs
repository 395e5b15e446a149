//! What a text that staff wrote may contain, before it is parsed.

use crate::edited::Form;
use domain::message_template::TemplateKey;
use kernel::Failure;

/// Tags that show and arrange data. The others would assign values, load templates or change what is escaped. `raw` is missing so that every
/// tag that the parser sees is seen here, too.
const TAGS: [&str; 9] = ["if", "elif", "else", "endif", "for", "endfor", "block", "endblock", "extends"];

/// What is wrong with a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Defect {
    /// 0 if it is in no line of its own.
    pub line: usize,
    pub what: String,
    /// May quote data.
    pub detail: Option<String>,
}

impl Defect {
    pub fn new(line: usize, what: impl Into<String>) -> Self {
        Self { line, what: what.into(), detail: None }
    }

    /// The error at a field of a request that was rendered with samples.
    pub fn at(self, pointer: &'static str) -> Failure {
        let Self { line, what, detail } = self;
        let detail = detail.map(|detail| format!(": {detail}")).unwrap_or_default();
        let line = if line > 0 { format!("line {line}: ") } else { String::new() };
        Failure::field(pointer, format!("{line}{what}{detail}"))
    }

    /// The failure without the data of a customer.
    pub fn logged(&self, key: TemplateKey, form: Form) -> Failure {
        Failure::internal(format!("{}, line {}: {}", form.name_of(key), self.line, self.what))
    }
}

/// Refuses tags that are not in [`TAGS`], and the operators and braces within tags with which a short text makes a long one, or
/// hides where a tag ends.
pub(crate) fn check(source: &str) -> Result<(), Defect> {
    let mut at = 0;
    while let Some(found) = source[at..].find('{') {
        let start = at + found;
        let rest = &source[start + 1..];
        at = match rest.as_bytes().first() {
            Some(b'#') => end_of_comment(source, start)?,
            Some(b'{') => end_of_tag(source, start, "}}")?,
            Some(b'%') => {
                let name = rest[1..].trim_start_matches(['-', '+']).trim_start();
                let name: String = name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if !TAGS.contains(&name.as_str()) {
                    let allowed = TAGS.join(", ");
                    return Err(defect(source, start, format!("the tag `{name}` is not allowed, only {allowed}")));
                }
                end_of_tag(source, start, "%}")?
            }
            _ => start + 1,
        };
    }
    Ok(())
}

fn end_of_comment(source: &str, start: usize) -> Result<usize, Defect> {
    let end = source[start + 2..].find("#}");
    end.map(|end| start + 2 + end + 2).ok_or_else(|| defect(source, start, "this comment does not end"))
}

/// The position after a tag; texts in quotes are skipped.
fn end_of_tag(source: &str, start: usize, end: &str) -> Result<usize, Defect> {
    let (mut quote, mut is_escaped) = (None, false);
    for (offset, c) in source[start + 2..].char_indices() {
        let position = start + 2 + offset;
        match (quote, c) {
            (Some(_), _) if is_escaped => is_escaped = false,
            (Some(_), '\\') => is_escaped = true,
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, _) if source[position..].starts_with(end) => return Ok(position + end.len()),
            (None, '*' | '{' | '}') => return Err(defect(source, position, format!("`{c}` is not allowed in a tag"))),
            (None, _) => {}
        }
    }
    Err(defect(source, start, "this tag does not end"))
}

fn defect(source: &str, position: usize, what: impl Into<String>) -> Defect {
    Defect::new(source[..position].matches('\n').count() + 1, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_that_show_data_are_allowed() {
        let text = "{# * #}\n{% extends \"en/layout.html\" %}{%- for line in lines -%}{{ line.name ~ \"}} * %}\" }}{% endfor %} 2 * 3 { }";
        assert_eq!(check(text), Ok(()));
    }

    #[test]
    fn what_leaves_the_escaping_or_the_limits_is_refused_with_its_line() {
        for (text, line, what) in [
            ("a\n{% autoescape false %}", 2, "`autoescape`"),
            ("{%-  autoescape false %}", 1, "`autoescape`"),
            ("{% set x = 1 %}", 1, "`set`"),
            ("{% include \"en/message.txt\" %}", 1, "`include`"),
            ("{% macro x() %}", 1, "`macro`"),
            ("{% raw %}{{ \" {% endraw %}{{ 2 * 3 }}", 1, "`raw`"),
            ("\n\n{{ \"x\" * 1000 }}", 3, "`*`"),
            ("{{ '\\'' * 1000 }}", 1, "`*`"),
            ("{{ {\"a\": 1} }}", 1, "`{`"),
            ("{{ name", 1, "does not end"),
            ("{% if name", 1, "does not end"),
            ("{# name", 1, "does not end"),
        ] {
            let refused = check(text).expect_err(text);
            assert!(refused.line == line && refused.what.contains(what), "{text}: {refused:?}");
        }
    }
}
