//! The world of a simulation: customers, queues, streams and time around the in-memory platform.
//!
//! Queues deliver at least once and in no order; streams deliver in order, and again from where they were; a failure comes again
//! after the wait that `edge` asks for. A process that dies leaves all of its batch to come again.

use super::{
    backend::Backend,
    chance::{Chance, Draw},
    commands::{self, Command, PRODUCTS, Plan},
    defects::Defect,
    dispatch::MessageCache,
    stream_position::StreamPosition,
};
use catalog::{Function, MAX_RECEIVES};
use domain::{Event, id::OrderId, order::HistoryEntry};
use edge::Clock;
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use kernel::{Failure, Timestamp};
use ports::{GatewayEvent, LogRecord};
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, HashMap},
    rc::Rc,
    sync::LazyLock,
    time::Duration,
};
use testkit::{Platform, Snapshot};

/// Seconds between two sweeps.
const SWEEP_SECONDS: u64 = 60;
/// Seconds between two rounds of the schedules that look after holds, orders and payments.
const CARE_SECONDS: u64 = 31 * 60;
/// How many schedules those are.
const CARES: usize = 3;
/// Most tasks at the same time.
pub const MOST_AT_ONCE: usize = 3;
/// Most messages of one batch.
const BATCH: usize = 10;

/// One way that things go.
pub struct World<S> {
    pub site: S,
    pub platform: Platform,
    /// What the stores held when they were last looked at.
    pub seen: Snapshot,
    pub clock: Clock,
    pub defect: Option<Defect>,
    /// Whether messages, the stream and schedules go through the runners of `edge`, as JSON; else straight to the handlers.
    pub through_edge: bool,
    pub plan: Plan,
    /// How far each wish of the plan is.
    pub asks: Vec<Ask>,
    /// Status and body of every answer, with the number of the wish.
    pub answers: RefCell<Vec<(usize, u16, String)>>,
    /// What was given up or buried, and by whom.
    pub given_up: RefCell<Vec<(&'static str, String)>>,
    pub wire: MessageCache,
    pub line: Vec<Parcel>,
    bus_seen: usize,
    pub changes: StreamPosition,
    pub stream: StreamPosition,
    pub topics: BTreeMap<&'static str, (Vec<Rc<LogRecord>>, StreamPosition)>,
    log_seen: usize,
    /// What the gateway has sent us and we did not take yet.
    mail: Vec<EmailMessage>,
    mail_seen: usize,
    sweep_at: Timestamp,
    pub sweeps: usize,
    care_at: [Timestamp; CARES],
    /// Invocations so far.
    pub steps: usize,
    /// Steps since the stores were looked at.
    unseen: usize,
    /// Whether something changed since the rules were last looked at.
    pub is_unjudged: Cell<bool>,
    /// Histories that were found legal.
    pub legal: RefCell<HashMap<OrderId, Vec<HistoryEntry>>>,
}

/// Something that somebody asks for until they are told that it is done.
#[derive(Debug, Clone)]
pub struct Ask {
    pub wish: Command,
    pub is_done: bool,
    pub attempt: u32,
    /// When it is asked for; not yet known where it is not yet possible.
    due: Option<Timestamp>,
}

impl Ask {
    /// Whether it began to be possible, and is not done.
    pub fn is_open(&self) -> bool {
        !self.is_done && self.due.is_some()
    }
}

/// What the gateway tells by itself, until we have taken it.
#[derive(Debug, Clone)]
pub struct EmailMessage {
    pub news: Rc<GatewayEvent>,
    attempt: u32,
    due: Timestamp,
}

/// A message on a queue.
#[derive(Debug, Clone)]
pub struct Parcel {
    pub to: &'static Function,
    pub event: Rc<Event>,
    pub attempt: u32,
    due: Timestamp,
}

/// A piece of work: one invocation of one function, or one ask of somebody.
#[derive(Debug)]
pub enum Task {
    Ask(usize),
    News(EmailMessage),
    /// The gateway's news of what is asked at the same time.
    Eager(usize),
    Relay,
    Batch(&'static Function, Vec<Parcel>),
    Count(usize),
    Archive(&'static str, usize),
    Sweep,
    Care(usize),
}

impl<S: Backend> World<S> {
    /// A world where `plan` is wanted, from the instant `now` on.
    pub fn new(site: S, now: Timestamp, seed: u64, plan: Plan, defect: Option<Defect>) -> Self {
        let ask = |(wish, _): &(Command, Duration)| Ask { wish: *wish, is_done: false, attempt: 1, due: None };
        let platform = site.platform().clone();
        if plan.is_open {
            commands::open(&platform);
        }
        Self {
            platform,
            site,
            seen: Snapshot::default(),
            clock: Clock::at(now, seed),
            defect,
            through_edge: false,
            asks: plan.wishes.iter().map(ask).collect(),
            plan,
            answers: RefCell::default(),
            given_up: RefCell::default(),
            wire: MessageCache::default(),
            line: vec![],
            bus_seen: 0,
            changes: StreamPosition::default(),
            stream: StreamPosition::default(),
            topics: BTreeMap::new(),
            log_seen: 0,
            mail: vec![],
            mail_seen: 0,
            sweep_at: now,
            sweeps: 0,
            care_at: [now + Duration::from_secs(CARE_SECONDS); CARES],
            steps: 0,
            unseen: 0,
            is_unjudged: Cell::new(true),
            legal: RefCell::default(),
        }
    }

    /// Brings what was published, put, appended and created to those who wait for it. Chance may bring a message twice.
    pub fn collect(&mut self, chance: &Chance) {
        let now = self.clock.now();
        for event in self.platform.bus().published_after(self.bus_seen) {
            self.bus_seen += 1;
            let row = event.event.row().name;
            for to in consumers(row) {
                let copies = 1 + usize::from(self.comes_twice(row, chance));
                let parcel = Parcel { to, event: Rc::clone(&event), attempt: 1, due: now };
                self.line.extend(std::iter::repeat_n(parcel, copies));
            }
        }
        for record in self.platform.event_log().records_after(self.log_seen) {
            self.log_seen += 1;
            let (records, shelf) = self.topics.entry(record.topic).or_default();
            records.push(record);
            shelf.length += 1;
        }
        self.stream.length += self.platform.analytics_stream().events_after(self.stream.length).len();
        self.changes.length += self.platform.products().created_after(self.changes.length).len();
        if self.plan.mail {
            self.collect_mail(chance);
        }
        self.open_asks();
    }

    /// The gateway tells what it charged and refused: not at all, once or twice, now or later.
    fn collect_mail(&mut self, chance: &Chance) {
        const DELAYS: [u64; 6] = [0, 50, 300, 2_000, 20_000, 2_400_000];
        for news in self.platform.gateway().events_after(self.mail_seen) {
            self.mail_seen += 1;
            let news = Rc::new(news);
            // Where chance has no say it tells everything once.
            let copies = if chance.is_none() { 1 } else { chance.draw(Draw::News, 3) };
            for _ in 0..copies {
                let millis = DELAYS[chance.draw(Draw::Delay, DELAYS.len())];
                let due = self.clock.now() + Duration::from_millis(millis);
                self.mail.push(EmailMessage { news: Rc::clone(&news), attempt: 1, due });
            }
        }
    }

    /// What has become possible will be asked for.
    pub fn open_asks(&mut self) {
        let now = self.clock.now();
        let products = if self.plan.is_open { PRODUCTS.len() } else { self.changes.length };
        for (ask, (wish, delay)) in self.asks.iter_mut().zip(&self.plan.wishes) {
            if !ask.is_done && ask.due.is_none() && wish.is_ready(&self.seen, products) {
                ask.due = Some(now + *delay);
            }
        }
    }

    /// The gateway's news of the first of `tasks`, if that may charge and the news does not wait until we have the answer.
    pub fn eager(&self, tasks: &[Task], chance: &Chance) -> Option<Task> {
        let charges = |task: &Task| matches!(task, Task::Batch(to, _) if to.name == catalog::PAYMENT_CHARGE.name);
        let may = self.plan.mail && tasks.len() < MOST_AT_ONCE && tasks.iter().any(charges);
        (may && chance.one_in(Draw::Eager, 3)).then_some(Task::Eager(self.mail_seen))
    }

    fn comes_twice(&self, event: &str, chance: &Chance) -> bool {
        let twice = chance.one_in(Draw::Copy, 10);
        if twice {
            chance.say(|| format!("the queue has {event} twice"));
        }
        twice
    }

    /// Whether nothing is on its way and nothing waits.
    pub fn is_quiet(&self) -> bool {
        let mut shelves = self.topics.values().map(|(_, shelf)| shelf).chain([&self.changes, &self.stream]);
        self.line.is_empty()
            && self.mail.is_empty()
            && !self.asks.iter().any(Ask::is_open)
            && shelves.all(|shelf| shelf.cursor == shelf.length)
            && self.site.waiting() == 0
    }

    /// Whether an order or a payment, as it was last seen, waits for what only time brings.
    pub fn waits_for_time(&self) -> bool {
        self.seen.orders.iter().any(|order| commands::waits(&self.seen, order))
            || self.seen.payments.values().any(|payment| payment.reconcile_after().is_some())
    }

    /// Takes the next task that is due: the first, or one by chance.
    pub fn take(&mut self, chance: &Chance) -> Option<Task> {
        let pick = |n: usize| if n == 1 { 0 } else { chance.draw(Draw::Task, n) };
        let now = self.clock.now();
        let ask = |ask: &Ask| !ask.is_done && ask.due.is_some_and(|due| due <= now);
        let parcel = |parcel: &Parcel| parcel.due <= now;
        let topic = |(_, shelf): &(_, StreamPosition)| shelf.is_due(now);
        let letter = |letter: &EmailMessage| letter.due <= now;
        let care = |at: &Timestamp| *at <= now;
        // How many there are of each kind; of most kinds it is enough to know whether there is one.
        let asks = self.asks.iter().filter(|one| ask(one)).count();
        let parcels = self.line.iter().filter(|one| parcel(one)).count();
        let topics = self.topics.values().filter(|one| topic(one)).count();
        let sweep = self.sweep_at <= now && self.defect != Some(Defect::NeverSweepsOutbox) && self.site.waiting() > 0;
        let cares = self.care_at.iter().filter(|at| care(at)).count();
        let mail = self.mail.iter().filter(|one| letter(one)).count();
        let is_there = [
            asks > 0,
            self.changes.is_due(now),
            parcels > 0,
            self.stream.is_due(now),
            topics > 0,
            sweep,
            cares > 0,
            mail > 0,
        ];
        let kinds = is_there.iter().filter(|there| **there).count();
        if kinds == 0 {
            return None;
        }
        // Most of what there is to do is in the queues.
        let kind = match is_there[2] && chance.draw(Draw::Message, 3) != 0 {
            true => 2,
            false => nth(&is_there, |there| *there, pick(kinds)),
        };
        Some(match kind {
            0 => Task::Ask(nth(&self.asks, ask, pick(asks))),
            1 => {
                self.changes.begin();
                Task::Relay
            }
            2 => self.batch(nth(&self.line, parcel, pick(parcels)), now, chance),
            3 => Task::Count(self.stream.cut(chance)),
            4 => {
                let n = pick(topics);
                let due = self.topics.iter_mut().filter(|(_, one)| topic(one)).nth(n);
                let (topic, (_, shelf)) = due.expect("a topic");
                Task::Archive(topic, shelf.cut(chance))
            }
            6 => {
                let what = nth(&self.care_at, care, pick(cares));
                // Now and then a schedule is told twice, and both run at once.
                if !chance.one_in(Draw::Twice, 5) {
                    self.care_at[what] = now + Duration::from_secs(CARE_SECONDS);
                }
                Task::Care(what)
            }
            7 => Task::News(self.mail.remove(nth(&self.mail, letter, pick(mail)))),
            _ => {
                if !chance.one_in(Draw::Twice, 8) {
                    self.sweep_at = now + Duration::from_secs(SWEEP_SECONDS);
                    self.sweeps += 1;
                }
                Task::Sweep
            }
        })
    }

    /// A batch with the message `first` and others that are due for the same function.
    fn batch(&mut self, first: usize, now: Timestamp, chance: &Chance) -> Task {
        let first = self.line.remove(first);
        let most = 1 + chance.draw(Draw::Batch, BATCH);
        let (to, mut parcels) = (first.to, vec![first]);
        let mut room = most - 1;
        let along = self.line.extract_if(.., |parcel| {
            let goes_along = room > 0 && parcel.to.name == to.name && parcel.due <= now;
            room -= usize::from(goes_along);
            goes_along
        });
        parcels.extend(along);
        Task::Batch(to, parcels)
    }

    /// Does tasks at the same time, and puts back what has to come again.
    pub fn work(&mut self, tasks: Vec<Task>, chance: &Chance) {
        let outcomes = {
            let world = &*self;
            let work = |(slot, task)| world.perform(task, slot).boxed_local();
            let work: Vec<LocalBoxFuture<'_, Vec<bool>>> = tasks.iter().enumerate().map(work).collect();
            world.site.work(work, chance)
        };
        let millis = 1 + chance.draw(Draw::Millis, 700);
        self.clock.advance(Duration::from_millis(millis as u64));
        for (task, outcome) in tasks.into_iter().zip(outcomes) {
            self.settle(task, outcome, chance);
        }
    }

    /// `outcome` says of each record whether it comes again; nothing, where the process died.
    fn settle(&mut self, task: Task, outcome: Option<Vec<bool>>, chance: &Chance) {
        let now = self.clock.now();
        let again = outcome.as_ref().is_none_or(|again| again.contains(&true));
        let twice = |n| {
            let twice = chance.one_in(Draw::Again, n);
            if twice {
                chance.say(|| "what was done comes again".to_owned());
            }
            twice
        };
        match task {
            Task::Ask(n) => {
                let ask = &mut self.asks[n];
                // Now and then the answer is lost on its way.
                let is_lost = !again && chance.one_in(Draw::Lost, 4);
                if is_lost {
                    chance.say(|| format!("the answer to ask {n} is lost"));
                }
                ask.is_done |= !again && !is_lost;
                ask.due = Some(now + wait(ask.attempt));
                ask.attempt += 1;
            }
            Task::News(letter) if again && letter.attempt == MAX_RECEIVES => {
                self.given_up.borrow_mut().push(("the gateway", format!("{:?} was not taken", letter.news)));
            }
            Task::News(letter) if again => {
                let due = now + wait(letter.attempt);
                self.mail.push(EmailMessage { attempt: letter.attempt + 1, due, ..letter });
            }
            Task::News(_) | Task::Eager(_) => {}
            Task::Relay => self.changes.settle(now, if again { 0 } else { 1 }, twice(12)),
            Task::Count(taken) => self.stream.settle(now, if again { 0 } else { taken }, twice(12)),
            Task::Archive(topic, taken) => {
                let (_, shelf) = self.topics.get_mut(topic).expect("a topic");
                shelf.settle(now, if again { 0 } else { taken }, twice(12));
            }
            Task::Sweep | Task::Care(_) => {}
            Task::Batch(to, parcels) => {
                let all = vec![true; parcels.len()];
                let mut again = outcome.unwrap_or(all.clone());
                if self.defect == Some(Defect::AcknowledgesWholeBatch) && again != all {
                    again.fill(false);
                }
                for (parcel, again) in parcels.into_iter().zip(again) {
                    if again || twice(20) {
                        self.put_back(to, parcel, now);
                    }
                }
            }
        }
    }

    fn put_back(&mut self, to: &'static Function, parcel: Parcel, now: Timestamp) {
        if parcel.attempt == MAX_RECEIVES {
            self.given_up
                .borrow_mut()
                .push((to.name, format!("{} came {MAX_RECEIVES} times", parcel.event.event.row().name)));
            return;
        }
        self.line.push(Parcel { attempt: parcel.attempt + 1, due: now + wait(parcel.attempt), ..parcel });
    }

    /// Lets time pass until something is due. `false` when nothing ever will be.
    pub fn skip_time(&mut self) -> bool {
        let now = self.clock.now();
        let asks = self.asks.iter().filter(|ask| !ask.is_done).filter_map(|ask| ask.due);
        let mail = self.mail.iter().map(|letter| letter.due);
        let shelves = self.topics.values().map(|(_, shelf)| shelf).chain([&self.changes, &self.stream]);
        let shelves = shelves.filter(|shelf| shelf.cursor < shelf.length).map(|shelf| shelf.due);
        let waits = self.defect != Some(Defect::NeverSweepsOutbox) && self.site.waiting() > 0;
        let sweep = waits.then_some(self.sweep_at);
        let due = asks
            .chain(self.line.iter().map(|parcel| parcel.due))
            .chain(shelves)
            .chain(sweep)
            .chain(self.care_at)
            .chain(mail);
        let Some(next) = due.filter(|due| *due > now).min() else { return false };
        self.clock.advance(next.duration_since(now).try_into().expect("a time to come"));
        true
    }

    /// Whether it is time to look at the stores.
    pub fn looks(&mut self) -> bool {
        self.unseen += 1;
        let looks = self.unseen >= self.site.steps_between_looks();
        if looks {
            self.unseen = 0;
        }
        looks
    }

    /// Looks at the stores.
    pub fn look(&mut self) {
        if self.site.see(&mut self.seen) {
            self.is_unjudged.set(true);
        }
    }

    /// Keeps that something failed for good.
    pub fn send(&self, to: &'static Function, failure: &Failure) {
        self.given_up.borrow_mut().push((to.name, failure.to_string()));
    }
}

/// Where the `n`th of those is that are `wanted`.
fn nth<T>(all: &[T], wanted: impl Fn(&T) -> bool, n: usize) -> usize {
    let mut places = all.iter().enumerate().filter(|(_, one)| wanted(one));
    places.nth(n).map(|(at, _)| at).expect("as many as were counted")
}

/// The wait before the next attempt, as `edge` asks for it.
fn wait(attempt: u32) -> Duration {
    Duration::from_secs(1_u64.checked_shl(attempt - 1).unwrap_or(900).min(900))
}

/// The functions whose queue gets this event.
fn consumers(event: &str) -> &'static [&'static Function] {
    static ALL: LazyLock<HashMap<&'static str, Vec<&'static Function>>> = LazyLock::new(|| {
        let mut all: HashMap<_, Vec<_>> = HashMap::new();
        for row in catalog::FUNCTIONS.iter().copied().filter(|row| row.has_queue()) {
            row.consumes().iter().for_each(|event| all.entry(event.name).or_default().push(row));
        }
        all
    });
    ALL.get(event).map(Vec::as_slice).unwrap_or_default()
}
