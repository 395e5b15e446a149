//! Rules of [`Mailer`].

use super::{Beyond, Under, Watched, fresh};
use domain::text::Email;
use ports::{Letter, Mailer};

/// One test a rule of [`Mailer`], each over the `Under<Watched<impl Mailer, impl Beyond<Letter>>>` that the expression gives when it
/// is awaited. White space at the ends of a text need not survive the post.
#[macro_export]
macro_rules! contract_mail {
    ($under:expr) => {
        $crate::each_rule! { mail, $under;
            a_letter_arrives_as_it_was_written
            two_letters_are_two
        }
    };
}

fn a_letter() -> Letter {
    let name = fresh().simple().to_string();
    Letter {
        to: Email::parse(&format!("{name}@example.com")).expect("an address"),
        subject: "Your order – “lamp” 照明".to_owned(),
        text: "Grüße,\n\na line that begins with a dot:\n.\n照明".to_owned(),
        html: "<p>Grüße &amp; <b>照明</b></p>".to_owned(),
    }
}

pub async fn a_letter_arrives_as_it_was_written(under: &Under<Watched<impl Mailer, impl Beyond<Letter>>>) {
    let letter = a_letter();
    under.door().send(&letter, fresh()).await.expect("handed over");
    let mine = |arrived: &Letter| arrived.to == letter.to;
    assert_eq!(under.beyond().arrived(1, &mine).await, std::slice::from_ref(&letter));
}

pub async fn two_letters_are_two(under: &Under<Watched<impl Mailer, impl Beyond<Letter>>>) {
    let first = a_letter();
    let second = Letter { subject: "Your second order".to_owned(), ..first.clone() };
    for letter in [&first, &second] {
        under.door().send(letter, fresh()).await.expect("handed over");
    }
    let arrived = under.beyond().arrived(2, &|arrived| arrived.to == first.to).await;
    assert!(arrived.len() == 2 && arrived.contains(&first) && arrived.contains(&second), "{arrived:?}");
}
