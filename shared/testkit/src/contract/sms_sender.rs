//! Contract of [`SmsSender`].

use super::{Fixture, Observed, Observer, fresh};
use domain::text::Phone;
use ports::SmsSender;

/// Generates one test per rule of [`SmsSender`]. The expression is a future of a
/// `Fixture<Observed<impl SmsSender, impl Observer<(Phone, String)>>>`.
#[macro_export]
macro_rules! contract_sms_sender {
    ($fixture:expr) => {
        $crate::each_rule! { sms_sender, $fixture;
            sms_is_delivered_unchanged_to_its_number
        }
    };
}

/// A random phone number.
fn a_number() -> Phone {
    let digits = fresh().as_u128() % 100_000_000_000;
    Phone::parse(&format!("+499{digits:011}")).expect("a number")
}

pub async fn sms_is_delivered_unchanged_to_its_number(
    fixture: &Fixture<Observed<impl SmsSender, impl Observer<(Phone, String)>>>,
) {
    let (to, other) = (a_number(), a_number());
    let texts = ["Order 4711 is confirmed & paid: 39.98 USD.", "Bestellung 4711 ist bestätigt: 39,98 €."];
    for text in texts {
        assert_eq!(fixture.observed_port().send(&to, text).await, Ok(true));
    }
    assert_eq!(fixture.observed_port().send(&other, "for another number").await, Ok(true));
    let arrived = fixture.observer().received(2, &|(number, _)| *number == to).await;
    assert_eq!(arrived, texts.map(|text| (to.clone(), text.to_owned())));
}
