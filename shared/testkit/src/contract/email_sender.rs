//! Contract of [`EmailSender`].

use super::{Fixture, Observed, Observer, fresh};
use domain::text::Email;
use ports::{EmailMessage, EmailSender};

/// Generates one test per rule of [`EmailSender`]. The expression is a future of a
/// `Fixture<Observed<impl EmailSender, impl Observer<EmailMessage>>>`. Leading and trailing white space of a text may
/// be lost.
#[macro_export]
macro_rules! contract_email_sender {
    ($fixture:expr) => {
        $crate::each_rule! { email_sender, $fixture;
            email_is_delivered_unchanged
            two_emails_are_delivered_separately
        }
    };
}

fn an_email() -> EmailMessage {
    let name = fresh().simple().to_string();
    EmailMessage {
        to: Email::parse(&format!("{name}@example.com")).expect("an address"),
        subject: "Your order – “lamp” 照明".to_owned(),
        text: "Grüße,\n\na line that begins with a dot:\n.\n照明".to_owned(),
        html: "<p>Grüße &amp; <b>照明</b></p>".to_owned(),
    }
}

pub async fn email_is_delivered_unchanged(fixture: &Fixture<Observed<impl EmailSender, impl Observer<EmailMessage>>>) {
    let email = an_email();
    fixture.observed_port().send(&email, fresh()).await.expect("sent");
    let mine = |arrived: &EmailMessage| arrived.to == email.to;
    assert_eq!(fixture.observer().received(1, &mine).await, std::slice::from_ref(&email));
}

pub async fn two_emails_are_delivered_separately(
    fixture: &Fixture<Observed<impl EmailSender, impl Observer<EmailMessage>>>,
) {
    let first = an_email();
    let second = EmailMessage { subject: "Your second order".to_owned(), ..first.clone() };
    for email in [&first, &second] {
        fixture.observed_port().send(email, fresh()).await.expect("sent");
    }
    let arrived = fixture.observer().received(2, &|arrived| arrived.to == first.to).await;
    assert!(arrived.len() == 2 && arrived.contains(&first) && arrived.contains(&second), "{arrived:?}");
}
