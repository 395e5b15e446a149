//! The account of the customer: registration, the verification of the address, a message of staff, a new password, and the erasure.

use super::{
    backend::{Backend, Stores},
    commands::SOLE_CUSTOMER,
    days,
    requests::{ADMIN, by_staff},
    world::World,
};
use catalog::{Function, role};
use domain::{
    DomainEvent,
    id::UserId,
    message_limits::{Budget, MessageLimits},
    user::Register,
};
use edge::{
    Delivery,
    http::{Access, Call, Route},
    testing,
};
use kernel::{Failure, Ids};
use ports::VerificationStore;
use serde_json::json;
use services::{Channels, LoginThrottle, NewPasswords, PasswordResetMailer, VerificationMessageSender};
use testkit::{VERIFICATION_SUBJECT, build, ids};

const REGISTER: Route = Route::new(catalog::USER_REGISTER.name, Access::Public).honours_key();
const VERIFY: Route = Route::new(catalog::CONTACT_VERIFY.name, Access::Public);
const WRITE: Route =
    Route::new(catalog::NOTIFICATION_SEND.name, Access::Roles(&[role::STAFF, role::ADMIN])).idempotent();
const RESET: Route = Route::new(catalog::PASSWORD_RESET_REQUEST.name, Access::Public);
const ERASE: Route = Route::new(catalog::USER_ERASE.name, Access::Roles(&[role::ADMIN]));

/// More than any schedule registers.
const REGISTRATIONS: u32 = 10_000;
/// The first seed of ids of customers, far from those of products.
const FIRST_CUSTOMER: u64 = 1 << 32;

/// The ids of the request that registers customer `number`. The first is that of the customer.
fn customer_ids(number: u64) -> Ids {
    Ids::seeded(FIRST_CUSTOMER + number, build::noon())
}

/// The id of customer `number`, which other commands and rules know before the customer is registered.
pub fn customer(number: u64) -> UserId {
    UserId(customer_ids(number).next())
}

impl<S: Backend> World<S> {
    pub async fn register(&self, stores: &impl Stores, n: usize) -> bool {
        let request = self.cache.request(n, || {
            let request = testing::http_event("POST", "/api/v1/users/register");
            request.key("register").body(days::user(SOLE_CUSTOMER).json()).build()
        });
        let (users, passwords, sources) =
            (stores.users(), &self.platform.passwords(), &self.platform.request_sources());
        let new = &NewPasswords { passwords, strength: passwords };
        let limits = MessageLimits::default();
        let handler = async |mut call: Call<Register>| {
            call.ids = customer_ids(SOLE_CUSTOMER);
            user_register::handle(&users, (new, sources), (&limits, Budget::hourly(REGISTRATIONS)), call).await
        };
        let response = edge::http::respond(&REGISTER, request, &self.clock, &handler).await;
        let is_registered = self.record_response(n, response);
        is_registered && (!self.plan.is_verified || self.verify(&users).await)
    }

    /// Sends the token of the e-mail that verifies the customer's address. Returns whether the address is verified.
    async fn verify(&self, users: &impl VerificationStore) -> bool {
        let user = customer(SOLE_CUSTOMER);
        if users.contacts(user).await.is_ok_and(|known| known.is_some_and(|known| !known.verified.is_empty())) {
            return true;
        }
        let emails = self.platform.email_sender().sent();
        let Some(email) = emails.iter().rfind(|email| email.subject == VERIFICATION_SUBJECT) else { return false };
        let token = email.text.rsplit(' ').next().unwrap_or_default();
        let request = testing::http_event("POST", "/api/v1/users/verify").body(json!({ "token": token })).build();
        let tokens = self.platform.tokens();
        let handler = async |call| contact_verify::handle(users, &tokens, call).await;
        edge::http::respond(&VERIFY, request, &self.clock, &handler).await["statusCode"] == 204
    }

    /// Staff writes to the customer.
    pub async fn write(&self, stores: &impl Stores, n: usize) -> bool {
        let request = self.cache.request(n, || {
            let data = json!({ "subject": "Your lamp", "text": "It comes in a box." });
            let body = json!({
                "user_id": customer(SOLE_CUSTOMER), "channel": "email", "template": "message", "data": data,
            });
            by_staff(testing::http_event("POST", "/api/v1/notifications/send").key("write").body(body))
        });
        let (contacts, limits) = (stores.contacts(), MessageLimits::default());
        let handler = async |call| notification_send::handle(&contacts, &limits, call).await;
        self.record_response(n, edge::http::respond(&WRITE, request, &self.clock, &handler).await)
    }

    /// The customer asks for a new password.
    pub async fn reset_password(&self, stores: &impl Stores, n: usize) -> bool {
        let body = json!({ "email": days::user(SOLE_CUSTOMER).contact().email });
        let request = testing::http_event("POST", "/api/v1/users/password-reset").body(body).build();
        let users = stores.users();
        let handler = async |call| password_reset_request::handle(&users, call).await;
        self.record_response(n, edge::http::respond(&RESET, request, &self.clock, &handler).await)
    }

    /// An admin erases the customer.
    pub async fn erase(&self, stores: &impl Stores, n: usize) -> bool {
        let user = customer(SOLE_CUSTOMER);
        let request = testing::http_event("POST", &catalog::USER_ERASE.path_of(user))
            .path_param("id", user)
            .principal(ids::user(ADMIN).0, role::ADMIN)
            .body(json!({}))
            .build();
        let (users, passwords, sources) = (stores.users(), self.platform.passwords(), self.platform.request_sources());
        let own = LoginThrottle::new(&users, &passwords, &sources);
        let revocations = self.platform.revocations();
        let handler = async |call| user_erase::handle(&users, &own, &revocations, call).await;
        self.record_response(n, edge::http::respond(&ERASE, request, &self.clock, &handler).await)
    }

    /// Consumes an event about the account.
    pub async fn consume_for_account(
        &self,
        stores: &impl Stores,
        to: &'static Function,
        delivery: Delivery<DomainEvent>,
    ) -> Result<(), Failure> {
        let platform = &self.platform;
        let (tokens, messages) = (platform.tokens(), platform.message_templates());
        let (email, sms, push) = (&platform.email_sender(), &platform.sms_sender(), &platform.push_sender());
        let limits = &MessageLimits::default();
        match to {
            to if to.name == catalog::CONTACT_TRACK.name => contact_track::handle(&stores.contacts(), delivery).await,
            to if to.name == catalog::ORDER_ERASE.name => order_erase::handle(&stores.orders(), delivery).await,
            to if to.name == catalog::VERIFICATION_SEND.name => {
                let sender =
                    VerificationMessageSender { messages: &messages, email, sms, countries: &limits.countries };
                verification_send::handle(&stores.users(), &tokens, &sender, delivery).await
            }
            to if to.name == catalog::PASSWORD_RESET_SEND.name => {
                let sender = PasswordResetMailer { messages: &messages, email };
                password_reset_send::handle(&stores.users(), &tokens, &sender, delivery).await
            }
            to if to.name == catalog::MESSAGE_SEND.name => {
                let channels = Channels { email, sms, push, limits };
                message_send::handle(&stores.contacts(), &messages, channels, delivery).await
            }
            to if to.name == catalog::PAYMENT_METHOD_FORGET.name => {
                payment_method_forget::handle(&stores.payments(), &platform.gateway(), delivery).await
            }
            other => panic!("no handler for {}", other.name),
        }
    }
}
