//! Enums whose variants have one word each, the same in JSON and in the database.

use serde::de::{self, Deserializer, Visitor};
use std::fmt;

/// Declares such enums. Each is copied, compared, ordered by declaration and written as its word, and has `ALL`, `name` and `parse`.
macro_rules! words {
    ($($(#[$attribute:meta])* pub enum $name:ident { $($variants:tt)* })+) => {$(
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, schemars::JsonSchema,
            strum::EnumString, strum::IntoStaticStr, strum::EnumCount, strum::VariantArray, strum::VariantNames,
        )]
        $(#[$attribute])*
        #[serde(rename_all = "snake_case")]
        #[strum(serialize_all = "snake_case")]
        pub enum $name { $($variants)* }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::words::read(deserializer, <Self as strum::VariantNames>::VARIANTS, Self::parse)
            }
        }

        impl $name {
            /// Every variant, in declaration order.
            pub const ALL: [Self; <Self as strum::EnumCount>::COUNT] =
                match <Self as strum::VariantArray>::VARIANTS.first_chunk() {
                    Some(all) => *all,
                    None => unreachable!(),
                };

            /// The word of this variant in JSON and in the database.
            pub fn name(self) -> &'static str {
                self.into()
            }

            /// Parses a word; `None` if it is not the word of a variant.
            pub fn parse(word: &str) -> Option<Self> {
                word.parse().ok()
            }

            /// Parses a word that somebody chose; the error lists those that there are.
            pub fn one_of(word: &str) -> Result<Self, String> {
                Self::parse(word).ok_or_else(|| format!("must be one of {}", Self::ALL.map(Self::name).join(", ")))
            }
        }
    )+};
}

/// Reads a word as a string. What serde derives for an enumeration accepts `{"word": null}`, too.
pub fn read<'de, T, D: Deserializer<'de>>(
    deserializer: D,
    words: &'static [&'static str],
    parse: fn(&str) -> Option<T>,
) -> Result<T, D::Error> {
    struct Word<T>(&'static [&'static str], fn(&str) -> Option<T>);

    impl<T> Visitor<'_> for Word<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }

        fn visit_str<E: de::Error>(self, word: &str) -> Result<T, E> {
            (self.1)(word).ok_or_else(|| E::unknown_variant(word, self.0))
        }
    }

    deserializer.deserialize_str(Word(words, parse))
}
