//! The network that an address belongs to, which identifies a client without credentials.

use std::net::IpAddr;

/// The network of an IP address, as text: an IPv4 address itself, and the /64 of an IPv6 address, which one host has to itself. `None`
/// for a text that is no address.
pub fn of(address: &str) -> Option<String> {
    Some(match address.parse::<IpAddr>().ok()?.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ipv6_addresses_of_one_64_are_one_network() {
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), Some("2001:db8:1:2::/64".to_owned()));
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:203.0.113.9"), of("203.0.113.9"));
        assert_eq!(of("somewhere"), None);
    }
}
