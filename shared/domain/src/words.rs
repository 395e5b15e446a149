//! Enums whose variants have one word each, the same in JSON and in the database.

/// Declares such enums. Each is copied, compared, ordered by declaration and written as its word, and has `ALL`, `name` and `parse`.
macro_rules! words {
    ($($(#[$attribute:meta])* pub enum $name:ident { $($variants:tt)* })+) => {$(
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize, schemars::JsonSchema,
            strum::EnumString, strum::IntoStaticStr, strum::EnumCount, strum::VariantArray,
        )]
        $(#[$attribute])*
        #[serde(rename_all = "snake_case")]
        #[strum(serialize_all = "snake_case")]
        pub enum $name { $($variants)* }

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
