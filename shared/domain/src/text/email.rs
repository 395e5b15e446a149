//! E-mail addresses: the syntax of RFC 5321, with domains in any script (IDNA 2008 with the mapping of UTS #46).

use super::characters::is_ignorable;
use email_address::{EmailAddress, Options};
use idna::{
    AsciiDenyList,
    uts46::{DnsLength, Hyphens, Uts46},
};
use unicode_normalization::UnicodeNormalization;

/// Maximum length of the part before the `@` (RFC 5321, section 4.5.3.1.1).
const MAX_LOCAL: usize = 64;
/// Maximum length of an address: that of a path (256) without its angle brackets (RFC 5321, section 4.5.3.1.3).
const MAX_ADDRESS: usize = 254;

/// The address in lower case, with the ASCII form of its domain.
///
/// Two forms of RFC 5321 are not accepted, because providers do not deliver to them: quoted local parts and IP addresses in brackets.
pub(super) fn parse(text: &str) -> Result<String, String> {
    address(text.trim()).ok_or_else(|| "is not an e-mail address".to_owned())
}

fn address(text: &str) -> Option<String> {
    let (local, domain) = text.rsplit_once('@')?;
    let domain = domain_to_ascii(domain)?;
    // SES delivers to local parts in ASCII only.
    let is_local = (1..=MAX_LOCAL).contains(&local.len()) && local.is_ascii() && !local.contains('"');
    let address = format!("{}@{domain}", local.to_ascii_lowercase());
    let syntax = Options::default().with_required_tld().without_domain_literal().without_display_text();
    let is_address =
        is_local && address.len() <= MAX_ADDRESS && EmailAddress::parse_with_options(&address, syntax).is_ok();
    is_address.then_some(address)
}

/// The domain as the DNS knows it. Characters that are mapped to ASCII (the Kelvin sign, ligatures, full-width letters) or to nothing are
/// refused, so that a domain that looks odd does not become a well-known one.
fn domain_to_ascii(domain: &str) -> Option<String> {
    let becomes_ascii = |c: char| !c.is_ascii() && c.to_lowercase().nfkc().any(|mapped| mapped.is_ascii());
    if domain.contains(becomes_ascii) || domain.contains(is_ignorable) {
        return None;
    }
    let ascii = Uts46::new()
        .to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .ok()?;
    // A last label of digits would make it an IPv4 address.
    let top = ascii.rsplit_once('.')?.1;
    top.contains(|c: char| !c.is_ascii_digit()).then(|| ascii.into_owned())
}

/// The address with its domain in Unicode.
pub(super) fn display(address: &str) -> String {
    let Some((local, domain)) = address.rsplit_once('@') else { return address.to_owned() };
    let (domain, result) = Uts46::new().to_unicode(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast);
    match result {
        Ok(()) => format!("{local}@{domain}"),
        Err(_) => address.to_owned(),
    }
}
