//! Rules of [`EmailSender`].

use super::{Fixture, Observed, Observer, fresh};
use domain::text::Email;
use ports::{EmailMessage, EmailSender};

/// One test a rule of [`EmailSender`], each over the `Fixture<Observed<impl EmailSender, impl Observer<EmailMessage>>>` that the expression gives when it
/// is awaited. White space at the ends of a text need not survive the post.
#[macro_export]
macro_rules! contract_email_sender {
    ($under:expr) => {
        $crate::each_rule! { email_sender, $under;
            email_is_delivered_unchanged
            two_emails_are_delivered_separately
        }
    };
}

fn a_letter() -> EmailMessage {
    let name = fresh().simple().to_string();
    EmailMessage {
        to: Email::parse(&format!("{name}@example.com")).expect("an address"),
        subject: "Your order – “lamp” 照明".to_owned(),
        text: "Grüße,\n\na line that begins with a dot:\n.\n照明".to_owned(),
        html: "<p>Grüße &amp; <b>照明</b></p>".to_owned(),
    }
}

pub async fn email_is_delivered_unchanged(under: &Fixture<Observed<impl EmailSender, impl Observer<EmailMessage>>>) {
    let letter = a_letter();
    under.observed_port().send(&letter, fresh()).await.expect("handed over");
    let mine = |arrived: &EmailMessage| arrived.to == letter.to;
    assert_eq!(under.observer().received(1, &mine).await, std::slice::from_ref(&letter));
}

pub async fn two_emails_are_delivered_separately(
    under: &Fixture<Observed<impl EmailSender, impl Observer<EmailMessage>>>,
) {
    let first = a_letter();
    let second = EmailMessage { subject: "Your second order".to_owned(), ..first.clone() };
    for letter in [&first, &second] {
        under.observed_port().send(letter, fresh()).await.expect("handed over");
    }
    let arrived = under.observer().received(2, &|arrived| arrived.to == first.to).await;
    assert!(arrived.len() == 2 && arrived.contains(&first) && arrived.contains(&second), "{arrived:?}");
}
