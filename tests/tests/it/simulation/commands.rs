//! The commands of one schedule: orders of customers, cancellations and payments, work of staff, and webhooks.

use super::{
    choices::{Choice, Choices},
    days,
    products::{PRODUCTS, received},
};
use domain::{
    order::{ShortfallPolicy, State, Status},
    payment,
    product::Product,
};
use std::{ops::RangeInclusive, time::Duration};
use testkit::{Platform, Snapshot};

/// Stores the customers and the products before the schedule starts.
pub fn seed(platform: &Platform, plan: &Plan) {
    for customer in plan.customers() {
        platform.contacts().put(&days::user(customer).contact());
    }
    for product in plan.products() {
        platform.products().put(&Product { stock_version: 1, ..product.clone() });
        platform.stock().put(product.id, product.stock_quantity.try_into().expect("few"));
    }
}

/// The customer of short schedules.
pub const SOLE_CUSTOMER: u64 = 1;

/// An order that a customer places.
#[derive(Debug)]
pub struct OrderSpec {
    pub customer: u64,
    /// The payment token. It is different for each order, and identifies it.
    pub method: &'static str,
    /// Product number and quantity of each line.
    pub lines: &'static [(u64, i64)],
}

impl OrderSpec {
    /// Whether the gateway declines the token.
    pub fn is_declined(&self) -> bool {
        [DECLINED, DECLINED_TOO].iter().any(|n| self.method.starts_with(ORDERS[*n].method))
    }

    /// Whether the order exceeds the stock that was received.
    pub fn exceeds_stock(&self) -> bool {
        self.lines.iter().any(|(product, units)| *units > received(*product))
    }

    /// Whether both orders have a product in common.
    pub fn competes_with(&self, other: &Self) -> bool {
        self.lines.iter().any(|(product, _)| other.lines.iter().any(|(theirs, _)| theirs == product))
    }
}

const PAID: usize = 0;
const DECLINED: usize = 1;
const EXCEEDING: usize = 2;
const COMPETING: usize = 3;
const LATE: usize = 4;
const DECLINED_TOO: usize = 5;

/// A paid order, a declined one, one that exceeds the stock of product 2, one that leaves too little for the first two, one that
/// takes the stock that was reserved for the second, and another declined one.
const ORDERS: [OrderSpec; 6] = [
    OrderSpec { customer: SOLE_CUSTOMER, method: "pm_card_visa", lines: &[(1, 2), (2, 1)] },
    OrderSpec { customer: SOLE_CUSTOMER, method: "pm_card_visa_chargeDeclined", lines: &[(1, 3)] },
    OrderSpec { customer: SOLE_CUSTOMER, method: "pm_card_mastercard", lines: &[(1, 1), (2, 9)] },
    OrderSpec { customer: SOLE_CUSTOMER, method: "pm_card_amex", lines: &[(1, 8), (2, 3)] },
    OrderSpec { customer: SOLE_CUSTOMER, method: "pm_card_jcb", lines: &[(1, 8)] },
    OrderSpec { customer: SOLE_CUSTOMER, method: "pm_card_chargeCustomerFail", lines: &[(1, 7)] },
];

/// The order with this index: one of short schedules or, from [`FIRST_OF_DAYS`] on, one of long ones.
pub fn spec(n: usize) -> &'static OrderSpec {
    ORDERS.get(n).unwrap_or_else(|| &days::ORDERS[n - FIRST_OF_DAYS])
}

pub const FIRST_OF_DAYS: usize = ORDERS.len();

/// The index of the order that is paid with this token.
pub fn index_of(method: &str) -> Option<usize> {
    (0..FIRST_OF_DAYS + days::ORDERS.len()).find(|n| spec(*n).method == method)
}

/// Orders placed in the same schedule; the first set is the default.
const SETS: [&[usize]; 9] = [
    &[PAID, DECLINED, EXCEEDING],
    &[PAID, COMPETING],
    &[DECLINED, COMPETING],
    &[PAID, DECLINED],
    &[PAID, DECLINED, COMPETING],
    &[PAID, EXCEEDING],
    &[PAID, DECLINED, LATE],
    &[DECLINED, LATE],
    &[PAID],
];

/// The same for small schedules: most defects show with one order, and much sooner.
const SMALL_SETS: [&[usize]; 8] = [
    &[PAID],
    &[DECLINED],
    &[PAID],
    &[DECLINED],
    &[PAID],
    &[PAID, COMPETING],
    &[DECLINED, COMPETING],
    &[DECLINED, LATE],
];

/// Two orders that are paid when others have taken their stock, and of which one gets it when one of those is cancelled.
const WAITING: &[usize] = &[DECLINED, DECLINED_TOO, LATE, PAID];

/// One schedule in `LARGE` is large.
const LARGE: usize = 8;

/// Milliseconds between the time at which a command becomes possible and the time at which it is sent.
const DELAYS: [u64; 12] =
    [0, 100, 300, 1_000, 3_000, 8_000, 20_000, 60_000, 1_980_000, 2_700_000, 4_200_000, 6_000_000];
/// The first delay after which a reservation has expired.
const EXPIRED: usize = 8;

/// A command to the platform. Orders are identified by their index, as in [`spec`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    Register,
    /// Staff creates the product with this number.
    Create(u64),
    /// The customer places an order.
    Place(usize),
    /// The customer cancels an order.
    Cancel(usize),
    /// Another customer tries to cancel an order.
    CancelByStranger(usize),
    /// Staff cancels an order.
    Withdraw(usize),
    /// Staff ships an order.
    Ship(usize),
    /// Staff marks an order as delivered.
    Deliver(usize),
    /// The customer pays again with this token.
    PayAgain(usize, &'static str),
    /// Staff refunds this many cents, or all that is left.
    Refund(usize, Option<i64>),
    /// Staff refunds at most this many cents, or all that is left, in the gateway's dashboard.
    RefundAtGateway(usize, Option<i64>),
    /// A bank returns the refunds that were made in the gateway's dashboard.
    ReturnRefunds(usize),
    /// Staff writes to the customer.
    Write,
    /// The customer asks for a new password.
    ResetPassword,
    /// An admin erases the customer.
    Erase,
}

impl Command {
    /// Whether the command is possible in this state of the stores, with the products on sale or not yet.
    pub fn is_ready(self, seen: &Snapshot, is_on_sale: bool) -> bool {
        let order = |n: usize| seen.orders.iter().find(|order| order.payment_method.as_str() == spec(n).method);
        let status = |n| order(n).map(|order| order.status);
        let payment = |n| order(n).and_then(|order| seen.payments.get(&order.id));
        match self {
            Self::Register | Self::Create(_) => true,
            Self::Place(_) => is_on_sale,
            Self::Cancel(n) | Self::CancelByStranger(n) | Self::Withdraw(n) => status(n).is_some(),
            Self::Write | Self::ResetPassword => !seen.orders.is_empty(),
            Self::Erase => seen.orders.iter().any(|order| order.status == Status::Delivered),
            Self::Ship(n) => status(n) == Some(Status::Processing),
            Self::Deliver(n) => status(n) == Some(Status::Shipped),
            Self::PayAgain(n, _) => {
                payment(n).is_some_and(|payment| payment.status == payment::Status::Failed && payment.attempts > 0)
            }
            Self::Refund(n, _) | Self::RefundAtGateway(n, _) => {
                payment(n).is_some_and(|payment| payment.transaction_id.is_some())
            }
            Self::ReturnRefunds(n) => payment(n).is_some_and(|payment| {
                payment.refunds.iter().any(|refund| refund.reason == payment::RefundReason::MadeAtGateway)
            }),
        }
    }
}

/// The commands and settings of one schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Whether customer and products exist from the start; otherwise they are created by commands.
    pub is_seeded: bool,
    /// Whether the customer verifies the address. One who does not gets no e-mail about orders.
    pub is_verified: bool,
    /// Whether it is a short schedule of one order or two.
    pub is_small: bool,
    /// Whether it is a schedule of days, with many customers, and messages that are lost.
    pub is_long: bool,
    /// Each command, and its delay after it becomes possible.
    pub commands: Vec<(Command, Duration)>,
    pub policy: ShortfallPolicy,
    /// Whether the gateway sends webhooks.
    pub webhooks: bool,
    /// Whether the gateway says that it moved one yen, whatever it moved.
    pub misstates: bool,
    /// Whether the gateway's search shows no charge until long after the schedule.
    pub search_lags: bool,
}

impl Plan {
    pub fn with(orders: &[usize], is_seeded: bool) -> Self {
        const BEFORE: [Command; 3] = [Command::Register, Command::Create(1), Command::Create(2)];
        let before = if is_seeded { &[][..] } else { &BEFORE };
        let commands = before.iter().copied().chain(orders.iter().map(|n| Command::Place(*n)));
        let commands = commands.map(|command| (command, Duration::ZERO)).collect();
        Self {
            is_seeded,
            is_verified: true,
            is_small: false,
            is_long: false,
            commands,
            policy: ShortfallPolicy::Refund,
            webhooks: false,
            misstates: false,
            search_lags: false,
        }
    }

    /// Three orders and no other command.
    pub fn usual() -> Self {
        Self::with(SETS[0], false)
    }

    /// Three orders of a customer who never verifies the address.
    pub fn unverified() -> Self {
        Self { is_verified: false, ..Self::usual() }
    }

    /// One order is shipped, delivered and refunded in two parts; another is paid at the second attempt, after its reservation expired
    /// and its stock is gone, and is cancelled while it is under review.
    pub fn full() -> Self {
        let mut plan = Self { webhooks: true, policy: ShortfallPolicy::Review, ..Self::with(SETS[6], false) };
        plan.wait(Command::Place(LATE), EXPIRED);
        let commands = [
            (Command::Ship(PAID), DELAYS[1]),
            (Command::Deliver(PAID), DELAYS[1]),
            (Command::Refund(PAID, Some(70)), DELAYS[3]),
            (Command::Refund(PAID, None), DELAYS[3]),
            (Command::PayAgain(DECLINED, ANOTHER), DELAYS[10]),
            (Command::Cancel(DECLINED), DELAYS[11]),
        ];
        plan.commands.extend(commands.map(|(command, millis)| (command, Duration::from_millis(millis))));
        plan
    }

    /// One order of a customer who gets a message of staff, asks for a new password, and is erased when what was lost has come again.
    pub fn account() -> Self {
        let mut plan = Self::with(SETS[8], false);
        let commands = [
            (Command::Ship(PAID), DELAYS[1]),
            (Command::Deliver(PAID), DELAYS[1]),
            (Command::Write, DELAYS[1]),
            (Command::ResetPassword, DELAYS[1]),
            (Command::Erase, DELAYS[11]),
        ];
        plan.commands.extend(commands.map(|(command, millis)| (command, Duration::from_millis(millis))));
        plan
    }

    fn wait(&mut self, command: Command, delay: usize) {
        for (_, wait) in self.commands.iter_mut().filter(|(one, _)| *one == command) {
            *wait = Duration::from_millis(DELAYS[delay]);
        }
    }

    /// A pseudorandom plan: mostly small, and seeded with customer and products if `may_be_seeded`.
    pub fn drawn(choices: &Choices, may_be_seeded: bool) -> Self {
        let is_small = choices.choose(Choice::Size, LARGE) != LARGE - 1;
        let sets = if is_small { &SMALL_SETS[..] } else { &SETS };
        let n = choices.choose(Choice::Orders, 3 * sets.len());
        // One schedule in 24 has several orders that wait.
        let orders = if is_small && n == 3 * sets.len() - 1 { WAITING } else { sets[n % sets.len()] };
        let mut plan = Self { is_small, ..Self::with(orders, is_small && may_be_seeded) };
        plan.policy = ShortfallPolicy::ALL[choices.choose(Choice::Policy, ShortfallPolicy::ALL.len())];
        plan.webhooks = choices.one_in(Choice::Webhooks, 2);
        // Where webhooks report every charge, a lag of the search shows nowhere.
        plan.search_lags = !plan.webhooks;
        let delay = || Duration::from_millis(DELAYS[choices.choose(Choice::Delay, DELAYS.len())]);
        plan.wait(Command::Place(COMPETING), choices.choose(Choice::Delay, DELAYS.len()));
        if plan.contains(Command::Place(LATE)) {
            // The reservation expires, another order takes the stock, and then the first is paid.
            plan.wait(Command::Place(LATE), EXPIRED);
            let wait = DELAYS[EXPIRED + choices.choose(Choice::Delay, DELAYS.len() - EXPIRED)];
            plan.commands.push((Command::PayAgain(DECLINED, ANOTHER), Duration::from_millis(wait)));
        }
        if orders == WAITING {
            plan.policy = ShortfallPolicy::Backorder;
            plan.wait(Command::Place(PAID), EXPIRED);
            let wait = DELAYS[EXPIRED + choices.choose(Choice::Delay, DELAYS.len() - EXPIRED)];
            plan.commands.push((Command::PayAgain(DECLINED_TOO, ANOTHER), Duration::from_millis(wait)));
            plan.commands.push((Command::Withdraw(LATE), Duration::from_millis(DELAYS[DELAYS.len() - 1])));
        }
        let (times, kinds) = if is_small { (2, ACTIONS + 1) } else { (3, ACTIONS + 5) };
        for _ in 0..times {
            let actions = actions(
                choices.choose(Choice::Action, kinds),
                orders[choices.choose(Choice::ActionOrder, orders.len())],
                DECLINED,
            );
            if !actions.is_empty() {
                let wait = delay();
                choices.log(|| format!("commands {actions:?} after {wait:?}"));
                plan.commands.extend(actions.into_iter().map(|action| (action, wait)));
            }
        }
        plan
    }

    pub fn products(&self) -> &'static [Product] {
        let (short, long) = PRODUCTS.split_at(2);
        if self.is_long { long } else { short }
    }

    pub fn customers(&self) -> RangeInclusive<u64> {
        if self.is_long { days::CUSTOMERS } else { SOLE_CUSTOMER..=SOLE_CUSTOMER }
    }

    pub fn contains(&self, command: Command) -> bool {
        self.commands.iter().any(|(one, _)| *one == command)
    }

    /// The orders that are placed.
    pub fn orders(&self) -> impl Iterator<Item = usize> {
        self.commands.iter().filter_map(|(command, _)| if let Command::Place(n) = command { Some(*n) } else { None })
    }

    /// Whether staff makes refunds in the gateway's dashboard.
    pub fn has_refunds_at_gateway(&self) -> bool {
        self.commands.iter().any(|(command, _)| matches!(command, Command::RefundAtGateway(..)))
    }

    /// How often staff refunds an order.
    pub fn refunds(&self, n: usize) -> usize {
        self.commands.iter().filter(|(command, _)| matches!(command, Command::Refund(of, _) if *of == n)).count()
    }

    /// Whether the customer pays for an order with a token that is not declined.
    pub fn is_paid(&self, n: usize) -> bool {
        let again = |command: &Command| matches!(command, Command::PayAgain(of, token) if *of == n && *token != ORDERS[DECLINED].method);
        !spec(n).is_declined() || self.commands.iter().any(|(command, _)| again(command))
    }
}

/// A token that is not declined.
const ANOTHER: &str = "pm_card_visa_debit";

/// Kinds of [`actions`]; a higher number is no action.
pub const ACTIONS: usize = 10;

/// The commands about order `n` after it is placed, or about the one that was `declined`.
pub fn actions(kind: usize, n: usize, declined: usize) -> Vec<Command> {
    match kind {
        0 => vec![Command::Cancel(n)],
        1 => vec![Command::Withdraw(n)],
        2 => vec![Command::Ship(n)],
        3 => vec![Command::Ship(n), Command::Deliver(n)],
        4 => vec![Command::PayAgain(declined, ANOTHER)],
        5 => vec![Command::PayAgain(declined, ORDERS[DECLINED].method), Command::PayAgain(declined, ANOTHER)],
        6 => vec![Command::Refund(n, None)],
        7 => vec![Command::Refund(n, Some(70))],
        8 => vec![Command::Refund(n, None), Command::Refund(n, Some(120))],
        9 => vec![Command::CancelByStranger(n)],
        _ => vec![],
    }
}

/// Whether an order waits for time to pass or for stock that is available, so that the run is not yet idle.
pub fn waits(seen: &Snapshot, order: &domain::order::Order) -> bool {
    match State::of(order.status, order.reason) {
        State::AwaitingStock | State::AwaitingPayment | State::AwaitingCustomer | State::Declined => true,
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
fn competing_order_leaves_too_little_stock_for_either_other() {
    for other in [PAID, DECLINED] {
        let units = |n: usize, product| ORDERS[n].lines.iter().find(|line| line.0 == product).map_or(0, |line| line.1);
        assert!([1, 2].iter().any(|product| units(COMPETING, *product) + units(other, *product) > received(*product)));
        assert!(ORDERS[COMPETING].competes_with(&ORDERS[other]));
    }
}
