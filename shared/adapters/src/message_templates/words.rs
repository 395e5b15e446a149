//! What templates cannot say by themselves: reasons and amounts, in each language.

use domain::{Money, notification::Locale, order::Reason};

/// Why an order waits, in words.
pub struct Wait {
    /// Follows "Your order 4711".
    pub headline: &'static str,
    /// Follows "Hello,"; in other languages, too, it begins as the middle of a sentence does.
    pub why: &'static str,
    /// What happens now, or what the customer can do.
    pub then: &'static str,
}

/// An amount as people write it.
pub fn money(locale: Locale, amount: Money) -> String {
    let text = amount.to_string();
    match locale {
        Locale::En => text,
        Locale::De => text.replace('.', ","),
    }
}

/// Why an order waits.
pub const fn wait(locale: Locale, reason: Reason) -> Wait {
    match locale {
        Locale::En => wait_en(reason),
        Locale::De => wait_de(reason),
    }
}

/// Why an order was cancelled, as a sentence that follows "Hello,".
pub const fn why_cancelled(locale: Locale, reason: Reason) -> &'static str {
    match locale {
        Locale::En => why_cancelled_en(reason),
        Locale::De => why_cancelled_de(reason),
    }
}

// The letter about a declined card says so in words.
const _: () = assert!(domain::order::PENDING_TIMEOUT_SECONDS == 2 * 3600);

const fn wait_en(reason: Reason) -> Wait {
    match reason {
        Reason::PaymentDeclined => Wait {
            headline: "is not paid yet",
            why: "your card was declined, so your order waits. You have not been charged.",
            then: "Please pay again, with this card or another, within two hours of ordering; after that we cancel the order.",
        },
        Reason::Backordered => Wait {
            headline: "waits for stock",
            why: "your order is paid, but something in it has run out.",
            then: "We send it as soon as everything is in stock again. If you do not want to wait, you can cancel it, and what you \
                   paid goes back to you.",
        },
        Reason::UnderReview => Wait {
            headline: "is being looked into",
            why: "your order is paid, but something in it has run out, and one of us is looking into it.",
            then: "You need not do anything: we write to you again as soon as it is settled.",
        },
        Reason::AwaitingStock
        | Reason::AwaitingPayment
        | Reason::InsufficientStock
        | Reason::PaymentUnreachable
        | Reason::CustomerRequest
        | Reason::StaffRequest
        | Reason::Refunded
        | Reason::TimedOut => Wait {
            headline: "takes longer",
            why: "your order takes longer than it should.",
            then: "You need not do anything: we write to you again as soon as it goes on.",
        },
    }
}

const fn wait_de(reason: Reason) -> Wait {
    match reason {
        Reason::PaymentDeclined => Wait {
            headline: "ist noch nicht bezahlt",
            why: "Ihre Karte wurde abgelehnt, deshalb wartet Ihre Bestellung. Abgebucht wurde nichts.",
            then: "Bitte bezahlen Sie innerhalb von zwei Stunden nach der Bestellung noch einmal, mit dieser Karte oder einer anderen; \
                   danach stornieren wir die Bestellung.",
        },
        Reason::Backordered => Wait {
            headline: "wartet auf Ware",
            why: "Ihre Bestellung ist bezahlt, aber etwas davon ist ausgegangen.",
            then: "Wir versenden sie, sobald alles wieder da ist. Wenn Sie nicht warten wollen, können Sie sie stornieren; was Sie \
                   bezahlt haben, geht dann an Sie zurück.",
        },
        Reason::UnderReview => Wait {
            headline: "wird geprüft",
            why: "Ihre Bestellung ist bezahlt, aber etwas davon ist ausgegangen, und jemand von uns sieht es sich an.",
            then: "Sie müssen nichts tun: Wir schreiben Ihnen wieder, sobald es geklärt ist.",
        },
        Reason::AwaitingStock
        | Reason::AwaitingPayment
        | Reason::InsufficientStock
        | Reason::PaymentUnreachable
        | Reason::CustomerRequest
        | Reason::StaffRequest
        | Reason::Refunded
        | Reason::TimedOut => Wait {
            headline: "dauert länger",
            why: "Ihre Bestellung dauert länger als sonst.",
            then: "Sie müssen nichts tun: Wir schreiben Ihnen wieder, sobald es weitergeht.",
        },
    }
}

const fn why_cancelled_en(reason: Reason) -> &'static str {
    match reason {
        Reason::CustomerRequest => "as you asked, your order is cancelled.",
        Reason::StaffRequest => "we are sorry: we had to cancel your order.",
        Reason::Refunded => "your order was cancelled, because what you paid for it went back to you.",
        Reason::InsufficientStock => {
            "we are sorry: your order was cancelled, because there is not enough of it in stock any more."
        }
        Reason::PaymentDeclined => {
            "your order was cancelled, because your card was declined. You are welcome to order again with another card."
        }
        Reason::PaymentUnreachable => {
            "we are sorry: your order was cancelled, because we were not told in time whether your payment went through."
        }
        Reason::Backordered => "we are sorry: your order was cancelled, because what it waited for did not come in.",
        Reason::UnderReview => "we are sorry: your order was cancelled, because we cannot deliver it.",
        Reason::TimedOut | Reason::AwaitingStock | Reason::AwaitingPayment => {
            "we are sorry: your order was cancelled, because it could not be completed in time."
        }
    }
}

const fn why_cancelled_de(reason: Reason) -> &'static str {
    match reason {
        Reason::CustomerRequest => "wie gewünscht ist Ihre Bestellung storniert.",
        Reason::StaffRequest => "leider mussten wir Ihre Bestellung stornieren.",
        Reason::Refunded => "Ihre Bestellung wurde storniert, weil Ihr Geld an Sie zurückging.",
        Reason::InsufficientStock => "leider wurde Ihre Bestellung storniert, weil nicht mehr genug davon da ist.",
        Reason::PaymentDeclined => {
            "Ihre Bestellung wurde storniert, weil Ihre Karte abgelehnt wurde. Bestellen Sie gern noch einmal mit einer anderen."
        }
        Reason::PaymentUnreachable => {
            "leider wurde Ihre Bestellung storniert, weil wir nicht rechtzeitig erfuhren, ob Ihre Zahlung gelang."
        }
        Reason::Backordered => "leider wurde Ihre Bestellung storniert, weil das, worauf sie wartete, nicht kam.",
        Reason::UnderReview => "leider wurde Ihre Bestellung storniert, weil wir sie nicht liefern können.",
        Reason::TimedOut | Reason::AwaitingStock | Reason::AwaitingPayment => {
            "leider wurde Ihre Bestellung storniert, weil sie nicht rechtzeitig abgeschlossen werden konnte."
        }
    }
}
