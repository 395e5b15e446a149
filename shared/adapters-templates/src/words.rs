//! Wording that templates cannot derive from the data: reasons and amounts, in each language.

use domain::{Money, notification::Locale, order::Reason};

/// Why an order waits.
pub struct WaitWording {
    /// Completes "Your order 4711 …".
    pub headline: &'static str,
    /// Follows the salutation, so that in German it begins in lower case.
    pub why: &'static str,
    /// What happens next, or what the customer can do.
    pub then: &'static str,
}

/// An amount with the decimal separator of the language.
pub fn money(locale: Locale, amount: Money) -> String {
    let text = amount.to_string();
    match locale {
        Locale::En => text,
        Locale::De => text.replace('.', ","),
    }
}

pub const fn waiting(locale: Locale, reason: Reason) -> WaitWording {
    match locale {
        Locale::En => waiting_en(reason),
        Locale::De => waiting_de(reason),
    }
}

/// Why an order was cancelled, as a sentence that follows the salutation.
pub const fn cancelled(locale: Locale, reason: Reason) -> &'static str {
    match locale {
        Locale::En => cancelled_en(reason),
        Locale::De => cancelled_de(reason),
    }
}

// The e-mail about a declined card states this limit in words.
const _: () = assert!(domain::order::PENDING_TIMEOUT_SECONDS == 2 * 3600);

const fn waiting_en(reason: Reason) -> WaitWording {
    match reason {
        Reason::PaymentDeclined => WaitWording {
            headline: "is awaiting payment",
            why: "Your card was declined, so your order is on hold. You have not been charged.",
            then: "Please pay again, with the same card or a different one, within two hours of placing the order. Otherwise, we will \
                   cancel it.",
        },
        Reason::Backordered => WaitWording {
            headline: "is on back order",
            why: "We have received your payment, but one or more items are out of stock.",
            then: "We will ship your order as soon as all items are back in stock. If you would rather not wait, you can cancel it \
                   for a full refund.",
        },
        Reason::UnderReview => WaitWording {
            headline: "is under review",
            why: "We have received your payment, but one or more items are out of stock. We are looking for a solution.",
            then: "There is nothing you need to do. We will contact you as soon as we have an update.",
        },
        Reason::AwaitingStock
        | Reason::AwaitingPayment
        | Reason::AwaitingCustomer
        | Reason::InsufficientStock
        | Reason::PaymentUnreachable
        | Reason::CustomerRequest
        | Reason::StaffRequest
        | Reason::Refunded
        | Reason::TimedOut => WaitWording {
            headline: "is delayed",
            why: "Your order is taking longer than expected.",
            then: "There is nothing you need to do. We will contact you as soon as we have an update.",
        },
    }
}

const fn waiting_de(reason: Reason) -> WaitWording {
    match reason {
        Reason::PaymentDeclined => WaitWording {
            headline: "ist noch nicht bezahlt",
            why: "Ihre Karte wurde abgelehnt, deshalb ist Ihre Bestellung noch offen. Ihr Konto wurde nicht belastet.",
            then: "Bitte bezahlen Sie innerhalb von zwei Stunden nach der Bestellung erneut, mit derselben oder einer anderen Karte. \
                   Andernfalls stornieren wir die Bestellung.",
        },
        Reason::Backordered => WaitWording {
            headline: "ist derzeit nicht lieferbar",
            why: "wir haben Ihre Zahlung erhalten, aber mindestens ein Artikel ist nicht vorrätig.",
            then: "Wir versenden Ihre Bestellung, sobald alle Artikel wieder verfügbar sind. Wenn Sie nicht warten möchten, \
                   können Sie stornieren und erhalten den vollen Betrag zurück.",
        },
        Reason::UnderReview => WaitWording {
            headline: "wird geprüft",
            why: "wir haben Ihre Zahlung erhalten, aber mindestens ein Artikel ist derzeit nicht vorrätig. Wir suchen nach einer Lösung.",
            then: "Sie müssen nichts tun. Wir melden uns, sobald es Neuigkeiten gibt.",
        },
        Reason::AwaitingStock
        | Reason::AwaitingPayment
        | Reason::AwaitingCustomer
        | Reason::InsufficientStock
        | Reason::PaymentUnreachable
        | Reason::CustomerRequest
        | Reason::StaffRequest
        | Reason::Refunded
        | Reason::TimedOut => WaitWording {
            headline: "verzögert sich",
            why: "die Bearbeitung Ihrer Bestellung dauert länger als erwartet.",
            then: "Sie müssen nichts tun. Wir melden uns, sobald es Neuigkeiten gibt.",
        },
    }
}

const fn cancelled_en(reason: Reason) -> &'static str {
    match reason {
        Reason::CustomerRequest => "Your order has been cancelled as requested.",
        Reason::StaffRequest => "We are sorry, but we had to cancel your order.",
        Reason::Refunded => "Your order has been cancelled because we returned your payment.",
        Reason::InsufficientStock => {
            "We are sorry, but we had to cancel your order because one or more items are no longer in stock."
        }
        Reason::PaymentDeclined => {
            "Your order has been cancelled because your card was declined. You can place a new order with a different card."
        }
        Reason::PaymentUnreachable => {
            "We are sorry, but we had to cancel your order because we could not confirm your payment in time."
        }
        Reason::Backordered => {
            "We are sorry, but we had to cancel your order because the missing items did not come back in stock."
        }
        Reason::UnderReview => "We are sorry, but we had to cancel your order because we are unable to fulfill it.",
        Reason::TimedOut | Reason::AwaitingStock | Reason::AwaitingPayment | Reason::AwaitingCustomer => {
            "We are sorry, but we had to cancel your order because it could not be completed in time."
        }
    }
}

const fn cancelled_de(reason: Reason) -> &'static str {
    match reason {
        Reason::CustomerRequest => "wir haben Ihre Bestellung wie gewünscht storniert.",
        Reason::StaffRequest => "leider mussten wir Ihre Bestellung stornieren.",
        Reason::Refunded => "Ihre Bestellung wurde storniert, weil wir Ihnen die Zahlung erstattet haben.",
        Reason::InsufficientStock => {
            "leider mussten wir Ihre Bestellung stornieren, weil mindestens ein Artikel nicht mehr vorrätig ist."
        }
        Reason::PaymentDeclined => {
            "Ihre Bestellung wurde storniert, weil Ihre Karte abgelehnt wurde. Sie können gern mit einer anderen Karte neu bestellen."
        }
        Reason::PaymentUnreachable => {
            "leider mussten wir Ihre Bestellung stornieren, weil sich Ihre Zahlung nicht rechtzeitig bestätigen ließ."
        }
        Reason::Backordered => {
            "leider mussten wir Ihre Bestellung stornieren, weil die fehlenden Artikel nicht wieder lieferbar sind."
        }
        Reason::UnderReview => "leider mussten wir Ihre Bestellung stornieren, weil wir sie nicht liefern können.",
        Reason::TimedOut | Reason::AwaitingStock | Reason::AwaitingPayment | Reason::AwaitingCustomer => {
            "leider mussten wir Ihre Bestellung stornieren, weil sie nicht rechtzeitig abgeschlossen werden konnte."
        }
    }
}
