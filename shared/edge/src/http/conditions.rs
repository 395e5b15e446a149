//! Conditional requests (RFC 9110, section 13): `If-Match`, which guards a change, and `If-None-Match`, which saves a transfer.

use kernel::{Failure, FailureKind};

/// The versions that the client means to change, as strong ETags without their quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: any version.
    Any,
    /// Any of these strong ETags.
    Tags(Vec<String>),
}

impl IfMatch {
    /// Whether the condition holds for a resource whose ETag is `tag` at present.
    pub fn matches(&self, tag: impl ToString) -> bool {
        match self {
            Self::Any => true,
            Self::Tags(tags) => tags.contains(&tag.to_string()),
        }
    }

    /// Like [`matches`](Self::matches), for a resource of which several ETags may be changed.
    pub fn matches_any(&self, is_current: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Any => true,
            Self::Tags(tags) => tags.iter().any(|tag| is_current(tag)),
        }
    }

    /// Reads the header; `PreconditionFailed` if it has weak ETags alone.
    pub(crate) fn read(header: &str) -> Result<Self, Failure> {
        match Self::parse(header) {
            Some(Self::Tags(tags)) if tags.is_empty() => {
                let detail = "A weak ETag matches no version; send the ETag as it was received.";
                Err(Failure::new(FailureKind::PreconditionFailed, "precondition-failed", detail))
            }
            Some(condition) => Ok(condition),
            None => {
                let detail = "If-Match must be * or a list of ETags as they were received, for instance \"3\".";
                Err(Failure::new(FailureKind::Malformed, "if-match-invalid", detail))
            }
        }
    }

    /// Parses the header; `None` if it is malformed. Weak ETags are left out, since `If-Match` compares strongly and they never match.
    fn parse(header: &str) -> Option<Self> {
        Some(match list(header)? {
            List::Any => Self::Any,
            List::Tags(tags) => {
                Self::Tags(tags.into_iter().filter(|tag| !tag.is_weak).map(|tag| tag.opaque.to_owned()).collect())
            }
        })
    }
}

/// Whether `If-None-Match` names `etag`, a header value, by weak comparison. A malformed header names nothing.
pub(crate) fn none_match_names(header: &str, etag: &str) -> bool {
    let current = etag.strip_prefix("W/").unwrap_or(etag).trim_matches('"');
    match list(header) {
        Some(List::Any) => true,
        Some(List::Tags(tags)) => tags.iter().any(|tag| tag.opaque == current),
        None => false,
    }
}

#[derive(Debug, PartialEq, Eq)]
enum List<'a> {
    Any,
    Tags(Vec<Tag<'a>>),
}

#[derive(Debug, PartialEq, Eq)]
struct Tag<'a> {
    is_weak: bool,
    /// Without its quotes.
    opaque: &'a str,
}

/// Parses `*` or a list of at least one entity tag. Empty elements are skipped (RFC 9110, section 5.6.1.2).
fn list(header: &str) -> Option<List<'_>> {
    let mut rest = header.trim();
    if rest == "*" {
        return Some(List::Any);
    }
    let mut tags = Vec::new();
    loop {
        rest = rest.trim_start_matches([',', ' ', '\t']);
        if rest.is_empty() {
            return (!tags.is_empty()).then_some(List::Tags(tags));
        }
        let is_weak = rest.starts_with("W/");
        let (opaque, after) = rest.strip_prefix("W/").unwrap_or(rest).strip_prefix('"')?.split_once('"')?;
        let is_opaque = opaque.chars().all(|c| c != ' ' && !c.is_ascii_control());
        let is_separated = after.trim_start().is_empty() || after.trim_start().starts_with(',');
        if !is_opaque || !is_separated {
            return None;
        }
        tags.push(Tag { is_weak, opaque });
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(tags: &[&str]) -> Option<IfMatch> {
        Some(IfMatch::Tags(tags.iter().map(|tag| (*tag).to_owned()).collect()))
    }

    #[test]
    fn if_match_is_a_star_or_a_list_of_tags() {
        assert_eq!(IfMatch::parse("*"), Some(IfMatch::Any));
        assert_eq!(IfMatch::parse(r#""3""#), tags(&["3"]));
        assert_eq!(IfMatch::parse(r#" "1", W/"2" ,"a,b", "#), tags(&["1", "a,b"]));
        assert_eq!(IfMatch::parse(r#"W/"3""#), tags(&[]));
        assert_eq!(IfMatch::parse(r#""""#), tags(&[""]));
        for bad in ["", ",", "3", "\"3", "\"1\" \"2\"", "\"1\", *", "*, \"1\"", "w/\"1\"", "\"a b\"", "\"1\";x"] {
            assert_eq!(IfMatch::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn any_version_or_a_listed_one_matches() {
        let list = IfMatch::parse(r#""1", "2""#).expect("a list");
        assert!(list.matches(1) && list.matches("2") && !list.matches(3));
        assert!(IfMatch::Any.matches(3) && IfMatch::Any.matches("anything"));
        assert!(!IfMatch::parse(r#"W/"3""#).expect("a list").matches(3));
    }

    #[test]
    fn if_none_match_compares_weakly() {
        for names in ["*", r#""3""#, r#"W/"3""#, r#""1", "3""#] {
            assert!(none_match_names(names, r#""3""#) && none_match_names(names, r#"W/"3""#), "{names}");
        }
        for other in [r#""1""#, "3", ""] {
            assert!(!none_match_names(other, r#""3""#), "{other}");
        }
    }
}
