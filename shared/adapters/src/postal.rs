//! Postal addresses as lines of text.

use domain::address::Address;

/// The lines of an address, as on an envelope.
pub fn lines(address: &Address) -> Vec<String> {
    let mut lines = vec![address.line1.as_str().to_owned()];
    lines.extend(address.line2.as_ref().map(|line| line.as_str().to_owned()));
    lines.push(format!("{} {}", address.postal_code.as_str(), address.city.as_str()));
    lines.push(format!("{}, {}", address.region.as_str(), address.country.as_str()));
    lines
}
