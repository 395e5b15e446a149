//! Where webhooks may be sent: URLs, ports and addresses.
//!
//! An endpoint is a URL that staff typed, which the platform then calls from inside its network. A URL is checked when it is stored, and every
//! address that its name resolves to when a delivery connects.

use kernel::Failure;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::{
    borrow::Cow,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};
use url::{Host, Url};

/// Longest URL, in its normalized form.
const MAX_URL: usize = 2048;
const HTTPS: u16 = 443;

/// An absolute `https` or `http` URL without credentials and fragment, normalized.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebhookUrl(Url);

impl WebhookUrl {
    /// Parses the text; an error is a phrase to follow the name of the field.
    pub fn parse(text: &str) -> Result<Self, String> {
        // The parser removes tabs and line breaks, and encodes spaces and control characters.
        if !text.chars().all(|c| c.is_ascii_graphic()) {
            return Err("must be a URL of visible ASCII characters".to_owned());
        }
        let url = Url::parse(text).map_err(|_| "must be an absolute URL".to_owned())?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err("must be an https URL".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must have no user name and no password".to_owned());
        }
        if url.fragment().is_some() {
            return Err("must have no fragment".to_owned());
        }
        if url.as_str().len() > MAX_URL {
            return Err(format!("must be at most {MAX_URL} characters"));
        }
        Ok(Self(url))
    }

    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Scheme, host and port, such as `https://example.com`.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }
}

impl TryFrom<String> for WebhookUrl {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<WebhookUrl> for String {
    fn from(url: WebhookUrl) -> Self {
        url.0.into()
    }
}

impl fmt::Debug for WebhookUrl {
    /// Shows the type only: a path may contain a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookUrl(…)")
    }
}

impl JsonSchema for WebhookUrl {
    fn schema_name() -> Cow<'static, str> {
        "WebhookUrl".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string", "format": "uri", "maxLength": MAX_URL, "examples": ["https://example.com/webhooks"],
        })
    }
}

/// What the environment allows besides `https` on port 443.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebhookTargets {
    /// More ports for `https`.
    pub ports: Vec<u16>,
    /// One origin that is reached without any of these checks, such as `http://127.0.0.1:8025`; the local cloud's receiver.
    pub local_origin: Option<String>,
}

impl WebhookTargets {
    /// Whether the URL is that of the local receiver.
    pub fn is_local(&self, url: &WebhookUrl) -> bool {
        self.local_origin.as_ref().is_some_and(|origin| *origin == url.origin())
    }

    /// Checks scheme, port and, if the host is an address, that.
    pub fn check(&self, url: &WebhookUrl) -> Result<(), Failure> {
        let refuse = |detail: &str| Err(Failure::field("/url", detail));
        if self.is_local(url) {
            return Ok(());
        }
        if url.0.scheme() != "https" {
            return refuse("must be an https URL");
        }
        let port = url.0.port_or_known_default().unwrap_or_default();
        if port != HTTPS && !self.ports.contains(&port) {
            return refuse("must have a port that webhooks are sent to, such as 443");
        }
        let is_public = match url.0.host() {
            Some(Host::Domain(name)) => !is_local_name(name),
            Some(Host::Ipv4(address)) => is_public(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => is_public(IpAddr::V6(address)),
            None => false,
        };
        if is_public { Ok(()) } else { refuse("must have a host on the public internet") }
    }
}

/// Whether a name is one of the special-use names (RFC 6761, 6762, 8375, 9476) that never resolve on the public internet, or has one label.
fn is_local_name(name: &str) -> bool {
    let name = name.trim_end_matches('.');
    let top = name.rsplit('.').next().unwrap_or_default();
    !name.contains('.') || matches!(top, "localhost" | "local" | "internal" | "arpa" | "test" | "invalid" | "onion")
}

/// Whether an address is on the public internet, by the registries of special-purpose addresses (RFC 6890).
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Network and prefix length of the addresses that are not public.
const SPECIAL_V4: [([u8; 4], u32); 15] = [
    ([0, 0, 0, 0], 8),       // this network
    ([10, 0, 0, 0], 8),      // private
    ([100, 64, 0, 0], 10),   // carrier-grade NAT
    ([127, 0, 0, 0], 8),     // loopback
    ([169, 254, 0, 0], 16),  // link-local, with the metadata of AWS
    ([172, 16, 0, 0], 12),   // private
    ([192, 0, 0, 0], 24),    // protocol assignments
    ([192, 0, 2, 0], 24),    // documentation
    ([192, 88, 99, 0], 24),  // 6to4 relays
    ([192, 168, 0, 0], 16),  // private
    ([198, 18, 0, 0], 15),   // benchmarks
    ([198, 51, 100, 0], 24), // documentation
    ([203, 0, 113, 0], 24),  // documentation
    ([224, 0, 0, 0], 4),     // multicast
    ([240, 0, 0, 0], 4),     // reserved, broadcast
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let is_in = |(network, length): &([u8; 4], u32)| {
        let mask = u32::MAX << (32 - length);
        address.to_bits() & mask == u32::from_be_bytes(*network)
    };
    !SPECIAL_V4.iter().any(is_in)
}

/// Of 2000::/3 alone, and not those that carry an IPv4 address or are special. Mapped (::ffff:0:0/96) and translated (64:ff9b::/96) addresses,
/// loopback, unique local, link-local and multicast are all outside of it.
fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // Protocol assignments, with Teredo and ORCHID; documentation; 6to4; documentation.
        [0x2001, 0..=0x01ff, ..] | [0x2001, 0x0db8, ..] | [0x2002, ..] | [0x3fff, 0..=0x0fff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets() -> WebhookTargets {
        WebhookTargets { ports: vec![8443], local_origin: Some("http://127.0.0.1:8025".to_owned()) }
    }

    #[test]
    fn addresses_that_are_not_on_the_public_internet_are_refused() {
        for (address, expected) in [
            ("93.184.215.14", true),
            ("8.8.8.8", true),
            ("100.63.255.255", true),
            ("172.32.0.1", true),
            ("223.255.255.255", true),
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("10.0.0.1", false),
            ("100.64.0.1", false),
            ("100.100.100.200", false),
            ("127.0.0.1", false),
            ("127.255.0.1", false),
            ("169.254.169.254", false),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("192.0.0.170", false),
            ("192.0.2.1", false),
            ("192.88.99.1", false),
            ("192.168.1.1", false),
            ("198.18.0.1", false),
            ("198.19.255.255", false),
            ("198.51.100.1", false),
            ("203.0.113.1", false),
            ("224.0.0.1", false),
            ("239.255.255.250", false),
            ("240.0.0.1", false),
            ("255.255.255.255", false),
            ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", true),
            ("2a00:1450:4001:82f::200e", true),
            ("::", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:8.8.8.8", false),
            ("::127.0.0.1", false),
            ("64:ff9b::7f00:1", false),
            ("64:ff9b::808:808", false),
            ("64:ff9b:1::1", false),
            ("100::1", false),
            ("2001::1", false),
            ("2001:2::1", false),
            ("2001:20::1", false),
            ("2001:db8::1", false),
            ("2002:7f00:1::", false),
            ("3fff::1", false),
            ("5f00::1", false),
            ("fc00::1", false),
            ("fd00:ec2::254", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn text_that_is_no_plain_web_url_is_not_parsed() {
        for text in [
            "",
            "example.com",
            "/relative",
            "ftp://example.com/",
            "file:///etc/passwd",
            "gopher://example.com/",
            "https://",
            "https://user@example.com/",
            "https://user:secret@example.com/",
            "https://:secret@example.com/",
            "https://example.com/#fragment",
            "https://exa mple.com/",
            "https://example.com/\r\nHost: other",
            "https://exämple.com/",
            "https://[::1/",
            "https://example.com:99999/",
        ] {
            assert!(WebhookUrl::parse(text).is_err(), "{text}");
        }
        let long = format!("https://example.com/{}", "a".repeat(MAX_URL));
        assert!(WebhookUrl::parse(&long).is_err());
        assert_eq!(WebhookUrl::parse("HTTPS://EXAMPLE.com").unwrap().as_str(), "https://example.com/");
    }

    #[test]
    fn url_goes_to_https_on_an_allowed_port_of_a_public_host() {
        for (text, expected) in [
            ("https://example.com/hook?token=1", true),
            ("https://example.com:443/", true),
            ("https://example.com:8443/", true),
            ("https://93.184.215.14/", true),
            ("http://127.0.0.1:8025/hook", true),
            ("http://example.com/", false),
            ("https://example.com:22/", false),
            ("https://example.com:0/", false),
            ("https://localhost/", false),
            ("https://LOCALHOST./", false),
            ("https://db.internal/", false),
            ("https://printer.local/", false),
            ("https://intranet/", false),
            ("https://127.0.0.1/", false),
            ("https://127.0.0.1:8025/", false),
            ("http://127.0.0.1:8026/", false),
            ("http://127.0.0.1.example.com:8025/", false),
            ("https://0x7f.1/", false),
            ("https://2130706433/", false),
            ("https://0177.0.0.1/", false),
            ("https://169.254.169.254/latest/meta-data/", false),
            ("https://[::1]/", false),
            ("https://[::ffff:169.254.169.254]/", false),
            ("https://[fd00:ec2::254]/", false),
        ] {
            let url = WebhookUrl::parse(text).unwrap();
            assert_eq!(targets().check(&url).is_ok(), expected, "{text}");
        }
        let local = WebhookUrl::parse("http://127.0.0.1:8025/hook").unwrap();
        assert!(WebhookTargets::default().check(&local).is_err(), "nothing local is allowed by default");
    }
}
