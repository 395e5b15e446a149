//! Rules of [`SmsSender`].

use super::{Fixture, Observed, Observer, fresh};
use domain::text::Phone;
use ports::SmsSender;

/// One test a rule of [`SmsSender`], each over the `Fixture<Observed<impl SmsSender, impl Observer<(Phone, String)>>>` that the expression gives
/// when it is awaited.
#[macro_export]
macro_rules! contract_sms_sender {
    ($under:expr) => {
        $crate::each_rule! { sms_sender, $under;
            sms_is_delivered_unchanged_to_its_number
        }
    };
}

/// A number that no other run has.
fn a_number() -> Phone {
    let digits = fresh().as_u128() % 100_000_000_000;
    Phone::parse(&format!("+499{digits:011}")).expect("a number")
}

pub async fn sms_is_delivered_unchanged_to_its_number(
    under: &Fixture<Observed<impl SmsSender, impl Observer<(Phone, String)>>>,
) {
    let (to, other) = (a_number(), a_number());
    let texts = ["Order 4711 is confirmed & paid: 39.98 USD.", "Bestellung 4711 ist bestätigt: 39,98 €."];
    for text in texts {
        assert_eq!(under.observed_port().send(&to, text).await, Ok(true));
    }
    assert_eq!(under.observed_port().send(&other, "for somebody else").await, Ok(true));
    let arrived = under.observer().received(2, &|(number, _)| *number == to).await;
    assert_eq!(arrived, texts.map(|text| (to.clone(), text.to_owned())));
}
