//! Enums whose variants have one word each on the wire and in the database.

/// Adds `ALL`, `name` and `parse` to enums that derive strum's `EnumString`, `IntoStaticStr`, `EnumCount` and `VariantArray`.
macro_rules! words {
    ($($type:ident),+ $(,)?) => {$(
        impl $type {
            /// Every variant, in declaration order.
            pub const ALL: [Self; <Self as strum::EnumCount>::COUNT] =
                match <Self as strum::VariantArray>::VARIANTS.first_chunk() {
                    Some(all) => *all,
                    None => unreachable!(),
                };

            /// The word of this variant on the wire and in the database.
            pub fn name(self) -> &'static str {
                self.into()
            }

            /// Parses a word; `None` if it is not the word of a variant.
            pub fn parse(word: &str) -> Option<Self> {
                word.parse().ok()
            }
        }
    )+};
}
