//! Rules of [`Pusher`] and [`DeviceDirectory`].

use super::{Under, fresh};
use domain::text::DeviceToken;
use ports::{DeviceDirectory, Note, Pusher};

/// One test a rule, each over the `Under<impl Pusher + DeviceDirectory>` that the expression gives when it is awaited.
#[macro_export]
macro_rules! contract_push {
    ($under:expr) => {
        $crate::each_rule! { push, $under;
            a_device_is_entered_once_however_often_its_token_comes
            a_device_that_is_entered_is_reached_and_one_that_is_not_known_is_not
        }
    };
}

fn token() -> DeviceToken {
    DeviceToken::parse(&fresh().simple().to_string()).expect("a token")
}

fn note() -> Note {
    Note { title: "Your order".to_owned(), text: "Order 4711 ist bestätigt & bezahlt".to_owned() }
}

pub async fn a_device_is_entered_once_however_often_its_token_comes(under: &Under<impl DeviceDirectory>) {
    let (token, other) = (token(), token());
    let first = under.port().enter(&token).await.expect("entered");
    assert_eq!(under.port().enter(&token).await, Ok(first.clone()));
    assert_ne!(under.port().enter(&other).await, Ok(first));
}

pub async fn a_device_that_is_entered_is_reached_and_one_that_is_not_known_is_not(
    under: &Under<impl Pusher + DeviceDirectory>,
) {
    let endpoint = under.port().enter(&token()).await.expect("entered");
    assert_eq!(under.port().send(&endpoint, &note(), "mark").await, Ok(true));
    let unknown = format!("{endpoint}-and-more");
    assert_eq!(under.port().send(&unknown, &note(), "mark").await, Ok(false));
}
