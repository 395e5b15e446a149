//! Rules of [`PushSender`] and [`PushEndpoints`].

use super::{Fixture, fresh};
use domain::text::DeviceToken;
use ports::{PushEndpoints, PushSender, ShortMessage};

/// One test a rule, each over the `Fixture<impl PushSender + PushEndpoints>` that the expression gives when it is awaited.
#[macro_export]
macro_rules! contract_push_sender {
    ($under:expr) => {
        $crate::each_rule! { push_sender, $under;
            repeated_token_registers_one_endpoint
            only_registered_endpoints_receive_messages
        }
    };
}

fn token() -> DeviceToken {
    DeviceToken::parse(&fresh().simple().to_string()).expect("a token")
}

fn note() -> ShortMessage {
    ShortMessage { title: "Your order".to_owned(), text: "Order 4711 ist bestätigt & bezahlt".to_owned() }
}

pub async fn repeated_token_registers_one_endpoint(under: &Fixture<impl PushEndpoints>) {
    let (token, other) = (token(), token());
    let first = under.port().register(&token).await.expect("entered");
    assert_eq!(under.port().register(&token).await, Ok(first.clone()));
    assert_ne!(under.port().register(&other).await, Ok(first));
}

pub async fn only_registered_endpoints_receive_messages(under: &Fixture<impl PushSender + PushEndpoints>) {
    let endpoint = under.port().register(&token()).await.expect("entered");
    assert_eq!(under.port().send(&endpoint, &note(), "mark").await, Ok(true));
    let unknown = format!("{endpoint}-and-more");
    assert_eq!(under.port().send(&unknown, &note(), "mark").await, Ok(false));
}
