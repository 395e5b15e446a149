//! Contract of [`PushSender`] and [`PushEndpoints`].

use super::{Fixture, fresh};
use domain::text::DeviceToken;
use ports::{PushEndpoints, PushSender, ShortMessage};

/// Generates one test per rule. The expression is a future of a `Fixture<impl PushSender + PushEndpoints>`.
#[macro_export]
macro_rules! contract_push_sender {
    ($fixture:expr) => {
        $crate::each_rule! { push_sender, $fixture;
            repeated_token_registers_one_endpoint
            only_registered_endpoints_receive_messages
        }
    };
}

fn token() -> DeviceToken {
    DeviceToken::parse(&fresh().simple().to_string()).expect("a token")
}

fn message() -> ShortMessage {
    ShortMessage { title: "Your order".to_owned(), text: "Order 4711 ist bestätigt & bezahlt".to_owned() }
}

pub async fn repeated_token_registers_one_endpoint(fixture: &Fixture<impl PushEndpoints>) {
    let (token, other) = (token(), token());
    let first = fixture.port().register(&token).await.expect("registered");
    assert_eq!(fixture.port().register(&token).await, Ok(first.clone()));
    assert_ne!(fixture.port().register(&other).await, Ok(first));
}

pub async fn only_registered_endpoints_receive_messages(fixture: &Fixture<impl PushSender + PushEndpoints>) {
    let endpoint = fixture.port().register(&token()).await.expect("registered");
    assert_eq!(fixture.port().send(&endpoint, &message(), "deduplication-id").await, Ok(true));
    let unknown = format!("{endpoint}-and-more");
    assert_eq!(fixture.port().send(&unknown, &message(), "deduplication-id").await, Ok(false));
}
