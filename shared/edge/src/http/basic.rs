//! Credentials of the `Basic` scheme (RFC 7617), as OAuth 2.0 clients send them: both parts are form-encoded (RFC 6749, section 2.3.1).

use super::call::percent_decoded;
use base64::{Engine, engine::general_purpose::STANDARD};
use std::fmt;

/// Credentials of a client.
#[derive(Clone, PartialEq, Eq)]
pub struct Basic {
    /// Client id, before the colon.
    pub id: String,
    /// Client secret, after the colon.
    pub secret: String,
}

/// The header names the scheme, and its credentials cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MalformedBasic;

impl Basic {
    /// Parses the value of `Authorization`; `None` for another scheme.
    pub(super) fn parse(header: &str) -> Option<Result<Self, MalformedBasic>> {
        let (scheme, encoded) = header.trim().split_once(' ')?;
        scheme.eq_ignore_ascii_case("basic").then(|| Self::decode(encoded.trim()).ok_or(MalformedBasic))
    }

    fn decode(encoded: &str) -> Option<Self> {
        let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        let (id, secret) = text.split_once(':')?;
        let decoded = |part: &str| percent_decoded(&part.replace('+', " ")).filter(|part| !part.contains('\0'));
        Some(Self { id: decoded(id)?, secret: decoded(secret)? })
    }
}

impl fmt::Debug for Basic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Basic(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Result<Basic, MalformedBasic>> {
        Basic::parse(&format!("Basic {}", STANDARD.encode(text)))
    }

    #[test]
    fn credentials_are_separated_by_the_first_colon_and_form_decoded() {
        let basic = |id: &str, secret: &str| Some(Ok(Basic { id: id.to_owned(), secret: secret.to_owned() }));
        assert_eq!(parse("a:s:t"), basic("a", "s:t"));
        assert_eq!(parse("a%3Ab+c:%C3%A9"), basic("a:b c", "é"));
        assert_eq!(Basic::parse("bASIC  YTpz"), basic("a", "s"));
    }

    #[test]
    fn other_schemes_are_ignored_and_malformed_credentials_refused() {
        assert_eq!(Basic::parse("Bearer token"), None);
        assert_eq!(Basic::parse("Basic"), None);
        for broken in ["Basic !", "Basic YQ==", "Basic /////w==", "Basic YTolMDA="] {
            assert_eq!(Basic::parse(broken), Some(Err(MalformedBasic)), "{broken}");
        }
    }
}
