//! Rules of [`Texter`].

use super::{Beyond, Under, Watched, fresh};
use domain::text::Phone;
use ports::Texter;

/// One test a rule of [`Texter`], each over the `Under<Watched<impl Texter, impl Beyond<(Phone, String)>>>` that the expression gives
/// when it is awaited.
#[macro_export]
macro_rules! contract_texts {
    ($under:expr) => {
        $crate::each_rule! { texts, $under;
            a_text_message_arrives_at_its_number_as_it_was_written
        }
    };
}

/// A number that no other run has.
fn a_number() -> Phone {
    let digits = fresh().as_u128() % 100_000_000_000;
    Phone::parse(&format!("+499{digits:011}")).expect("a number")
}

pub async fn a_text_message_arrives_at_its_number_as_it_was_written(
    under: &Under<Watched<impl Texter, impl Beyond<(Phone, String)>>>,
) {
    let (to, other) = (a_number(), a_number());
    let texts = ["Order 4711 is confirmed & paid: 39.98 USD.", "Bestellung 4711 ist bestätigt: 39,98 €."];
    for text in texts {
        assert_eq!(under.door().send(&to, text).await, Ok(true));
    }
    assert_eq!(under.door().send(&other, "for somebody else").await, Ok(true));
    let arrived = under.beyond().arrived(2, &|(number, _)| *number == to).await;
    assert_eq!(arrived, texts.map(|text| (to.clone(), text.to_owned())));
}
