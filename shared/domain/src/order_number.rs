//! The number of an order that people read, type and say.

use crate::id::OrderId;
use std::fmt;

/// The last twelve hexadecimal digits of an order's id, which messages and invoices print: the ids of one day share their beginning.
///
/// Two orders may have the same number. A list that is filtered by it then has both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderNumber(u64);

impl OrderNumber {
    /// Number of digits.
    pub const DIGITS: usize = 12;
    /// The bits of an id that its number consists of.
    const MASK: u64 = 0xffff_ffff_ffff;

    /// Parses a number in upper or lower case. The error says what the value must be.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        // `from_str_radix` also accepts a sign.
        let is_number = text.len() == Self::DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = is_number.then(|| u64::from_str_radix(text, 16).ok()).flatten();
        number.map(Self).ok_or("must be the 12 hexadecimal digits that messages and invoices call the order's number")
    }
}

impl fmt::Display for OrderNumber {
    /// In upper case.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012X}", self.0)
    }
}

impl OrderId {
    /// The number of the order.
    pub fn number(self) -> OrderNumber {
        let (_, low) = self.0.as_u64_pair();
        OrderNumber(low & OrderNumber::MASK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn number_is_the_end_of_the_id_and_is_parsed_in_either_case() {
        for id in ["0192f0c1-2345-7abc-8def-0123456789ab", "0192f0c1-2345-7abc-8def-000000000000"] {
            let (_, end) = id.rsplit_once('-').expect("an end");
            let number = id.parse::<OrderId>().expect("an id").number();
            assert_eq!(number.to_string(), end.to_uppercase());
            assert_eq!((OrderNumber::parse(end), OrderNumber::parse(&end.to_uppercase())), (Ok(number), Ok(number)));
        }
    }

    #[test]
    fn other_text_is_no_number() {
        for text in ["", "0123456789a", "0123456789abc", "0123456789ag", "+12345678901", "0192f0c1-2345", "０123456789"]
        {
            assert!(OrderNumber::parse(text).is_err(), "{text}");
        }
    }
}
