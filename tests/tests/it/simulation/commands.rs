//! What people want of the shop in one schedule: orders, second thoughts, staff at work, and what the gateway tells by itself.

use super::chance::{Chance, Draw};
use domain::{
    order::{ShortfallPolicy, State, Status},
    payment,
    product::Product,
};
use std::{sync::LazyLock, time::Duration};
use testkit::{Platform, Snapshot, build};

/// Pieces of each product that are received: product 1, product 2.
pub const RECEIVED: [u32; 2] = [10, 3];

/// The products, as they are put on sale.
pub static PRODUCTS: LazyLock<[Product; 2]> = LazyLock::new(|| {
    let product = |number, stock| build::product().number(number).stock(stock).at(build::noon()).created();
    [product(1, RECEIVED[0]), product(2, RECEIVED[1])]
});

/// The customer is known, and the products are on sale, as if it had been so for long.
pub fn open(platform: &Platform) {
    platform.contacts().put(&build::user().contact());
    for product in &*PRODUCTS {
        platform.products().put(&Product { stock_version: 1, ..product.clone() });
        platform.stock().put(product.id, product.stock_quantity.try_into().expect("few"));
    }
}

/// An order as the customer wants it.
#[derive(Debug)]
pub struct Wanted {
    /// The token to pay with. No two orders have the same one: it tells them apart.
    pub method: &'static str,
    /// Numbers of products, and pieces.
    pub lines: &'static [(u64, i64)],
}

impl Wanted {
    /// Whether the gateway refuses its token.
    pub fn is_declined(&self) -> bool {
        self.method == ORDERS[DECLINED].method
    }

    /// Whether there never was enough for it.
    pub fn is_too_much(&self) -> bool {
        self.lines.iter().any(|(product, pieces)| *pieces > received(*product))
    }

    /// Whether it wants something that `other` wants, too.
    pub fn rivals(&self, other: &Self) -> bool {
        self.lines.iter().any(|(product, _)| other.lines.iter().any(|(theirs, _)| theirs == product))
    }
}

/// Pieces of product number `product` that are received.
pub fn received(product: u64) -> i64 {
    RECEIVED[usize::try_from(product - 1).expect("few")].into()
}

const PAID: usize = 0;
const DECLINED: usize = 1;
const SHORT: usize = 2;
const RIVAL: usize = 3;
const LATE: usize = 4;

/// One that is paid, one whose card is declined, one that is short of product 2, one that leaves nothing for the first two, and one
/// that takes what the second had held.
pub const ORDERS: [Wanted; 5] = [
    Wanted { method: "pm_card_visa", lines: &[(1, 2), (2, 1)] },
    Wanted { method: "pm_card_visa_chargeDeclined", lines: &[(1, 3)] },
    Wanted { method: "pm_card_mastercard", lines: &[(1, 1), (2, 9)] },
    Wanted { method: "pm_card_amex", lines: &[(1, 8), (2, 3)] },
    Wanted { method: "pm_card_jcb", lines: &[(1, 8)] },
];

/// Orders that are placed in the same schedule; the first set is the usual one.
const SETS: [&[usize]; 9] = [
    &[PAID, DECLINED, SHORT],
    &[PAID, RIVAL],
    &[DECLINED, RIVAL],
    &[PAID, DECLINED],
    &[PAID, DECLINED, RIVAL],
    &[PAID, SHORT],
    &[PAID, DECLINED, LATE],
    &[DECLINED, LATE],
    &[PAID],
];

/// The same for a small schedule: most find what they find with one order, and much sooner.
const SMALL_SETS: [&[usize]; 8] =
    [&[PAID], &[DECLINED], &[PAID], &[DECLINED], &[PAID], &[PAID, RIVAL], &[DECLINED, RIVAL], &[DECLINED, LATE]];

/// One schedule in so many is large.
const LARGE: usize = 8;

/// Milliseconds between the moment at which something could be asked for and that at which it is.
const DELAYS: [u64; 12] =
    [0, 100, 300, 1_000, 3_000, 8_000, 20_000, 60_000, 1_980_000, 2_700_000, 4_200_000, 6_000_000];
/// The first of them after which a hold has lapsed.
const LAPSED: usize = 8;

/// What is asked for. Orders go by their place in [`ORDERS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// The customer registers.
    Register,
    /// A product of this number is put on sale.
    Create(u64),
    /// The customer orders.
    Place(usize),
    /// The customer takes an order back.
    Cancel(usize),
    /// Staff takes an order back.
    Withdraw(usize),
    /// Staff hands an order to the carrier.
    Ship(usize),
    /// Staff notes that it arrived.
    Deliver(usize),
    /// The customer pays again, with this token.
    PayAgain(usize, &'static str),
    /// Staff gives money back: so many cents, or all that is left.
    Refund(usize, Option<i64>),
}

impl Command {
    /// Whether it can be asked for, as things are seen and with so many products on sale.
    pub fn is_ready(self, seen: &Snapshot, products: usize) -> bool {
        let order = |n: usize| seen.orders.iter().find(|order| order.payment_method.as_str() == ORDERS[n].method);
        let status = |n| order(n).map(|order| order.status);
        let payment = |n| order(n).and_then(|order| seen.payments.get(&order.id));
        match self {
            Self::Register | Self::Create(_) => true,
            // Whoever orders has seen the products.
            Self::Place(_) => products == RECEIVED.len(),
            Self::Cancel(n) | Self::Withdraw(n) => status(n).is_some(),
            Self::Ship(n) => status(n) == Some(Status::Processing),
            Self::Deliver(n) => status(n) == Some(Status::Shipped),
            Self::PayAgain(n, _) => {
                payment(n).is_some_and(|payment| payment.status == payment::Status::Failed && payment.attempts > 0)
            }
            Self::Refund(n, _) => payment(n).is_some_and(|payment| payment.transaction_id.is_some()),
        }
    }
}

/// What is wanted in one schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Whether the customer and the products are there from the beginning. Else they come as everything does.
    pub is_open: bool,
    /// Whether it is a schedule of one order or two, to be over soon.
    pub is_small: bool,
    /// Each wish, and how long after it is possible it is uttered.
    pub wishes: Vec<(Command, Duration)>,
    /// What becomes of an order that is paid and has no stock any more.
    pub policy: ShortfallPolicy,
    /// Whether the gateway tells by itself what it charged and refused.
    pub mail: bool,
}

impl Plan {
    fn with(orders: &[usize], is_open: bool) -> Self {
        const BEFORE: [Command; 3] = [Command::Register, Command::Create(1), Command::Create(2)];
        let before = if is_open { &[][..] } else { &BEFORE };
        let wishes = before.iter().copied().chain(orders.iter().map(|n| Command::Place(*n)));
        let wishes = wishes.map(|wish| (wish, Duration::ZERO)).collect();
        Self { is_open, is_small: false, wishes, policy: ShortfallPolicy::Refund, mail: false }
    }

    /// Three orders and nothing else.
    pub fn usual() -> Self {
        Self::with(SETS[0], false)
    }

    /// Everybody at work: one order is shipped, delivered and given back in two parts; one is paid at the second try, after its hold
    /// lapsed and what it wants is gone, and is taken back while a person looks at it.
    pub fn full() -> Self {
        let mut plan = Self { mail: true, policy: ShortfallPolicy::Review, ..Self::with(SETS[6], false) };
        plan.wait(Command::Place(LATE), LAPSED);
        let wishes = [
            (Command::Ship(PAID), DELAYS[1]),
            (Command::Deliver(PAID), DELAYS[1]),
            (Command::Refund(PAID, Some(70)), DELAYS[3]),
            (Command::Refund(PAID, None), DELAYS[3]),
            (Command::PayAgain(DECLINED, ANOTHER), DELAYS[10]),
            (Command::Cancel(DECLINED), DELAYS[11]),
        ];
        plan.wishes.extend(wishes.map(|(wish, millis)| (wish, Duration::from_millis(millis))));
        plan
    }

    /// A wish waits.
    fn wait(&mut self, wish: Command, delay: usize) {
        for (_, wait) in self.wishes.iter_mut().filter(|(one, _)| *one == wish) {
            *wait = Duration::from_millis(DELAYS[delay]);
        }
    }

    /// What chance makes of it: mostly something small, in a shop that is open where it `may_be`.
    pub fn drawn(chance: &Chance, may_be_open: bool) -> Self {
        let is_small = chance.draw(Draw::Size, LARGE) != LARGE - 1;
        let sets = if is_small { &SMALL_SETS[..] } else { &SETS };
        let orders = sets[chance.draw(Draw::Orders, sets.len())];
        let mut plan = Self { is_small, ..Self::with(orders, is_small && may_be_open) };
        plan.policy = ShortfallPolicy::ALL[chance.draw(Draw::Policy, ShortfallPolicy::ALL.len())];
        plan.mail = chance.one_in(Draw::Mail, 2);
        let delay = || Duration::from_millis(DELAYS[chance.draw(Draw::Delay, DELAYS.len())]);
        plan.wait(Command::Place(RIVAL), chance.draw(Draw::Delay, DELAYS.len()));
        if plan.wants(Command::Place(LATE)) {
            // The hold lapses, somebody else comes, and then the first one pays.
            plan.wait(Command::Place(LATE), LAPSED);
            let wait = DELAYS[LAPSED + chance.draw(Draw::Delay, DELAYS.len() - LAPSED)];
            plan.wishes.push((Command::PayAgain(DECLINED, ANOTHER), Duration::from_millis(wait)));
        }
        let (times, kinds) = if is_small { (2, DEEDS + 1) } else { (3, DEEDS + 5) };
        for _ in 0..times {
            let deeds = deeds(chance.draw(Draw::Deed, kinds), orders[chance.draw(Draw::Occurrence, orders.len())]);
            if !deeds.is_empty() {
                let wait = delay();
                chance.say(|| format!("somebody wants {deeds:?} after {wait:?}"));
                plan.wishes.extend(deeds.into_iter().map(|deed| (deed, wait)));
            }
        }
        plan
    }

    /// Whether somebody wants `wish`.
    pub fn wants(&self, wish: Command) -> bool {
        self.wishes.iter().any(|(one, _)| *one == wish)
    }

    /// The orders that are placed.
    pub fn orders(&self) -> impl Iterator<Item = usize> {
        self.wishes.iter().filter_map(|(wish, _)| if let Command::Place(n) = wish { Some(*n) } else { None })
    }

    /// How often staff gives something of an order back.
    pub fn refunds(&self, n: usize) -> usize {
        self.wishes.iter().filter(|(wish, _)| matches!(wish, Command::Refund(of, _) if *of == n)).count()
    }

    /// Whether somebody pays for an order with a token that is not refused.
    pub fn is_paid(&self, n: usize) -> bool {
        let again = |wish: &Command| matches!(wish, Command::PayAgain(of, token) if *of == n && *token != ORDERS[DECLINED].method);
        !ORDERS[n].is_declined() || self.wishes.iter().any(|(wish, _)| again(wish))
    }
}

/// A token that is not refused.
const ANOTHER: &str = "pm_card_visa_debit";

/// Kinds of [`deeds`]; beyond them nobody does anything.
const DEEDS: usize = 9;

/// What people do about the order `n`.
fn deeds(kind: usize, n: usize) -> Vec<Command> {
    match kind {
        0 => vec![Command::Cancel(n)],
        1 => vec![Command::Withdraw(n)],
        2 => vec![Command::Ship(n)],
        3 => vec![Command::Ship(n), Command::Deliver(n)],
        4 => vec![Command::PayAgain(DECLINED, ANOTHER)],
        5 => vec![Command::PayAgain(DECLINED, ORDERS[DECLINED].method), Command::PayAgain(DECLINED, ANOTHER)],
        6 => vec![Command::Refund(n, None)],
        7 => vec![Command::Refund(n, Some(70))],
        8 => vec![Command::Refund(n, None), Command::Refund(n, Some(120))],
        _ => vec![],
    }
}

/// Whether an order that is seen in this state waits for time, or stock that is there: all is not quiet before it moved on.
pub fn waits(seen: &Snapshot, order: &domain::order::Order) -> bool {
    match State::of(order.status, order.reason) {
        State::AwaitingStock | State::AwaitingPayment | State::Declined => true,
        State::Backordered | State::UnderReview => {
            let lines = seen.reservations.get(&order.id).map(|(_, lines)| lines.as_slice()).unwrap_or_default();
            lines.iter().all(|line| {
                let level = seen.levels.iter().find(|level| level.product_id == line.product_id);
                level.is_some_and(|level| level.available >= line.quantity.into())
            })
        }
        State::Processing | State::Shipped | State::Delivered | State::Cancelled => false,
    }
}

#[test]
fn the_rival_leaves_too_little_for_either_of_the_first_two() {
    for other in [PAID, DECLINED] {
        let pieces = |n: usize, product| ORDERS[n].lines.iter().find(|line| line.0 == product).map_or(0, |line| line.1);
        assert!([1, 2].iter().any(|product| pieces(RIVAL, *product) + pieces(other, *product) > received(*product)));
        assert!(ORDERS[RIVAL].rivals(&ORDERS[other]));
    }
}
