//! Postal addresses as lines of text.

use domain::address::Address;

/// The lines of an address, as on an envelope.
pub fn lines(address: &Address) -> Vec<String> {
    let mut lines: Vec<String> = address.name.iter().map(|name| name.as_str().to_owned()).collect();
    lines.push(address.line1.as_str().to_owned());
    lines.extend(address.line2.as_ref().map(|line| line.as_str().to_owned()));
    let postal_code = address.postal_code.as_ref().map(|code| code.as_str());
    let city = address.city.as_ref().map(|city| city.as_str());
    let region = address.region.as_ref().map(|region| region.as_str());
    lines.extend(joined([postal_code, city], " "));
    lines.extend(joined([region, Some(address.country.as_str())], ", "));
    lines
}

/// The parts that the address has, as one line; `None` without any.
fn joined(parts: [Option<&str>; 2], separator: &str) -> Option<String> {
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(separator))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that fails should fail here")]
mod tests {
    use super::*;

    fn lines_of(json: serde_json::Value) -> Vec<String> {
        lines(&serde_json::from_value(json).unwrap())
    }

    #[test]
    fn envelope_has_no_line_for_parts_that_the_address_lacks() {
        let macao = serde_json::json!({ "line1": "1 Pier", "country": "MO" });
        assert_eq!(lines_of(macao), ["1 Pier", "MO"]);
        let berlin =
            serde_json::json!({ "line1": "1 Pier", "city": "Berlin", "postal_code": "10115", "country": "DE" });
        assert_eq!(lines_of(berlin), ["1 Pier", "10115 Berlin", "DE"]);
    }

    #[test]
    fn envelope_begins_with_the_name_of_the_recipient() {
        let named = serde_json::json!({ "name": "Ada Lovelace", "line1": "1 Pier", "country": "MO" });
        assert_eq!(lines_of(named), ["Ada Lovelace", "1 Pier", "MO"]);
    }
}
