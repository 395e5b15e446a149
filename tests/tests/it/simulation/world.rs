//! The world of a simulation: clients, queues, streams and time around the in-memory platform.
//!
//! Queues deliver at least once and in any order; streams deliver in order and resume at their position; a failed message is redelivered
//! after the backoff that `edge` sets. The whole batch of a crashed process is redelivered after the visibility timeout of its queue.

mod tasks;

use super::{
    backend::Backend,
    choices::{Choice, Choices},
    commands::{self, Command, Plan},
    defects::Defect,
    messages::MessageCache,
    processes::Processes,
    stream_position::StreamPosition,
    subscriptions,
};
use catalog::Function;
use domain::{Event, id::OrderId, order::HistoryEntry, payment::StatedAmount};
use edge::Clock;
use kernel::{Failure, Timestamp, Uuid};
use ports::{Claim, EventLogRecord, GatewayEvent, GatewayReport};
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, HashMap},
    rc::Rc,
    sync::LazyLock,
    time::Duration,
};
use testkit::{Platform, Snapshot};

/// Seconds between two sweeps of the outbox in short schedules.
const SWEEP_SECONDS: u64 = 60;
/// Seconds between two sweeps of the outbox in long schedules.
const LONG_SWEEP_SECONDS: u64 = 600;
/// Steps between two looks of long schedules, which are expensive with many orders.
const STEPS_BETWEEN_LOOKS: usize = 25;
/// Seconds between two runs of stock-sweep, order-sweep and payment-reconcile, and of ledger-reconcile in long schedules.
const MAINTENANCE_SECONDS: u64 = 31 * 60;
/// How far the clock of an invocation is ahead at most.
pub const MAX_AHEAD_SECONDS: u64 = 180;
/// The number of those functions in short schedules.
const MAINTENANCE_SCHEDULES: usize = 3;
/// Maximum number of concurrent tasks.
pub const MAX_CONCURRENCY: usize = 3;
/// Maximum number of messages in a batch.
const MAX_BATCH: usize = 10;

/// The state of one run.
pub struct World<S> {
    pub backend: S,
    pub platform: Platform,
    /// The contents of the stores at the last look.
    pub seen: Snapshot,
    pub clock: Clock,
    /// The invocations of the step.
    pub processes: Rc<Processes>,
    /// Whether clocks of invocations are ahead, until faults end.
    pub clocks_may_differ: bool,
    /// When faults end, once they have.
    pub faults_ended: Option<Timestamp>,
    /// Until when some functions are old and others new.
    pub deployment: Option<Timestamp>,
    pub defect: Option<Defect>,
    /// Whether messages, stream and schedules go through the runners of `edge` as JSON; otherwise handlers are called directly.
    pub through_edge: bool,
    pub plan: Plan,
    /// Whether an endpoint of webhooks subscribed to events.
    pub subscribes: bool,
    /// The progress of each command of the plan.
    pub requests: Vec<Request>,
    /// The index of a command, with the status and body of each of its final responses.
    pub responses: RefCell<Vec<(usize, u16, String)>>,
    /// Functions with what they gave up or dead-lettered.
    pub given_up: RefCell<Vec<(&'static str, String)>>,
    pub cache: MessageCache,
    pub queue: Vec<QueuedMessage>,
    bus_position: usize,
    /// Messages that queues have received so far, and the number of the one that is lost on its way.
    pub deliveries: usize,
    pub lost: Option<usize>,
    /// Whether outboxes are swept, and deliveries checked, even if no event waits.
    pub delivery_checks: bool,
    /// What was lost: the event, and the function that it was for.
    pub loss: Option<(&'static str, &'static str)>,
    pub changes: StreamPosition,
    pub stream: StreamPosition,
    pub topics: BTreeMap<&'static str, (Vec<Rc<EventLogRecord>>, StreamPosition)>,
    log_position: usize,
    /// Webhooks that are not acknowledged yet.
    webhooks: Vec<Webhook>,
    webhooks_seen: usize,
    sweep_at: Timestamp,
    pub sweeps: usize,
    maintenance_at: Vec<Timestamp>,
    /// Invocations so far.
    pub steps: usize,
    steps_since_snapshot: usize,
    /// Whether something changed since the rules were last checked.
    pub needs_check: Cell<bool>,
    /// Results of the notifications about each event, by its id.
    pub notified: HashMap<Uuid, Notified>,
    /// Order histories that were found legal.
    pub legal: RefCell<HashMap<OrderId, Vec<HistoryEntry>>>,
}

/// A command that its client retries until it gets a final response.
#[derive(Debug, Clone)]
pub struct Request {
    pub command: Command,
    pub is_done: bool,
    pub attempt: u32,
    /// When it is sent; `None` until the command is possible.
    due: Option<Timestamp>,
}

impl Request {
    /// Whether it is possible and not done.
    pub fn is_open(&self) -> bool {
        !self.is_done && self.due.is_some()
    }

    fn is_due(&self, now: Timestamp) -> bool {
        !self.is_done && self.due.is_some_and(|due| due <= now)
    }
}

/// A webhook that the gateway retries until it is acknowledged.
#[derive(Debug, Clone)]
pub struct Webhook {
    pub event: Rc<GatewayEvent>,
    attempt: u32,
    due: Timestamp,
}

/// Deliveries of an event to `update-send`.
#[derive(Debug, Default)]
pub struct Notified {
    pub deliveries: usize,
    /// How many e-mails had been sent when it was handled first.
    pub copies_when_handled: Option<usize>,
}

/// A message on a queue.
#[derive(Debug, Clone)]
pub struct QueuedMessage {
    pub to: &'static Function,
    pub event: Rc<Event>,
    pub attempt: u32,
    pub sent: Timestamp,
    /// Whether a newer function wrote it: it has members that its readers do not know.
    pub is_newer: bool,
    /// Until when its consumer is an old function that does not know a word in it.
    pub unread_until: Option<Timestamp>,
    due: Timestamp,
}

/// One invocation of a function, or one request of a client.
#[derive(Debug)]
pub enum Task {
    Request(usize),
    Webhook(Webhook),
    /// A webhook about a call that runs concurrently.
    EarlyWebhook(usize),
    Relay,
    Batch(&'static Function, Vec<QueuedMessage>),
    Aggregate(usize),
    Archive(&'static str, usize),
    Sweep,
    Maintenance(usize),
}

impl<S: Backend> World<S> {
    /// A world that starts at `now` and executes `plan`.
    pub fn new(backend: S, now: Timestamp, seed: u64, plan: Plan, defect: Option<Defect>) -> Self {
        let request =
            |(command, _): &(Command, Duration)| Request { command: *command, is_done: false, attempt: 1, due: None };
        let platform = backend.platform().clone();
        if plan.is_seeded {
            commands::seed(&platform, &plan);
        }
        let subscribes = plan.is_long || subscriptions::has_endpoint(seed);
        if subscribes {
            subscriptions::subscribe(&platform);
        }
        platform.gateway().delay_search(plan.search_lags);
        platform.gateway().state_amount(plan.misstates.then(|| StatedAmount::new(1, "JPY")));
        let clock = Clock::at(now, seed);
        let schedules = MAINTENANCE_SCHEDULES + usize::from(plan.is_long);
        Self {
            platform,
            backend,
            seen: Snapshot::default(),
            processes: Processes::new(&clock),
            clock,
            clocks_may_differ: false,
            faults_ended: None,
            deployment: None,
            defect,
            through_edge: false,
            requests: plan.commands.iter().map(request).collect(),
            plan,
            subscribes,
            responses: RefCell::default(),
            given_up: RefCell::default(),
            cache: MessageCache::default(),
            queue: vec![],
            bus_position: 0,
            deliveries: 0,
            lost: None,
            delivery_checks: false,
            loss: None,
            changes: StreamPosition::default(),
            stream: StreamPosition::default(),
            topics: BTreeMap::new(),
            log_position: 0,
            webhooks: vec![],
            webhooks_seen: 0,
            sweep_at: now,
            sweeps: 0,
            maintenance_at: vec![now + Duration::from_secs(MAINTENANCE_SECONDS); schedules],
            steps: 0,
            steps_since_snapshot: 0,
            needs_check: Cell::new(true),
            notified: HashMap::new(),
            legal: RefCell::default(),
        }
    }

    /// Moves published events, stream records, log records and table changes to their consumers. A message may be duplicated.
    pub fn collect(&mut self, choices: &Choices) {
        let now = self.clock.now();
        for event in self.platform.bus().published_after(self.bus_position) {
            self.bus_position += 1;
            let row = event.event.row().name;
            if !self.subscribes {
                // Nothing is delivered to it then.
                self.platform
                    .handled_events()
                    .assume(Claim { consumer: catalog::WEBHOOK_ENQUEUE.name, event_id: event.id });
            }
            let has_work = |to: &&&Function| self.subscribes || to.name != catalog::WEBHOOK_ENQUEUE.name;
            for to in consumers(row).iter().filter(has_work) {
                self.deliveries += 1;
                if self.lost == Some(self.deliveries) || self.is_lost(choices) {
                    self.loss = Some((row, to.name));
                    continue;
                }
                let copies = 1 + usize::from(self.is_duplicated(row, choices));
                let (is_newer, unread_until) = self.version(choices);
                let event = Rc::clone(&event);
                let message = QueuedMessage { to, event, attempt: 1, sent: now, is_newer, unread_until, due: now };
                self.queue.extend(std::iter::repeat_n(message, copies));
            }
        }
        for record in self.platform.event_log().records_after(self.log_position) {
            self.log_position += 1;
            let (records, position) = self.topics.entry(record.topic).or_default();
            records.push(record);
            position.length += 1;
        }
        self.stream.length += self.platform.analytics_stream().records_after(self.stream.length).len();
        self.changes.length += self.platform.products().created_after(self.changes.length).len();
        if self.plan.webhooks {
            self.collect_webhooks(choices);
        }
        self.schedule_commands();
    }

    /// Queues webhooks about charges and declines: none, one or two of each, now or later.
    fn collect_webhooks(&mut self, choices: &Choices) {
        const DELAYS: [u64; 6] = [0, 50, 300, 2_000, 20_000, 2_400_000];
        const DAYS: u64 = 2 * 86_400_000;
        for event in self.platform.gateway().events_after(self.webhooks_seen) {
            self.webhooks_seen += 1;
            let event = Rc::new(event);
            // By default, the gateway sends each webhook once.
            let copies = if choices.is_none() { 1 } else { choices.choose(Choice::WebhookCopies, 3) };
            // The gateway repeats a webhook until it is taken; nothing else reports a refund that was made in its dashboard.
            let copies = copies.max(usize::from(matches!(event.report, GatewayReport::Refunds { .. })));
            for _ in 0..copies {
                let is_late = choices.one_in(Choice::LateWebhook, 120);
                let millis = if is_late { DAYS } else { DELAYS[choices.choose(Choice::Delay, DELAYS.len())] };
                let due = self.clock.now() + Duration::from_millis(millis);
                self.webhooks.push(Webhook { event: Rc::clone(&event), attempt: 1, due });
            }
        }
    }

    /// Schedules the commands that have become possible.
    pub fn schedule_commands(&mut self) {
        let now = self.clock.now();
        let is_on_sale = self.plan.is_seeded || self.changes.length == self.plan.products().len();
        for (request, (command, delay)) in self.requests.iter_mut().zip(&self.plan.commands) {
            if !request.is_done && request.due.is_none() && command.is_ready(&self.seen, is_on_sale) {
                request.due = Some(now + *delay);
            }
        }
    }

    /// A task for a webhook that arrives while one of `tasks` still charges, if the choices say so.
    pub fn early_webhook(&self, tasks: &[Task], choices: &Choices) -> Option<Task> {
        let charges = |task: &Task| matches!(task, Task::Batch(to, _) if to.name == catalog::PAYMENT_CHARGE.name);
        let may = self.plan.webhooks && tasks.len() < MAX_CONCURRENCY && tasks.iter().any(charges);
        (may && choices.one_in(Choice::EarlyWebhook, 3)).then_some(Task::EarlyWebhook(self.webhooks_seen))
    }

    /// Begins a deployment, or not, and chooses whether clocks differ.
    pub fn begin_deployment(&mut self, choices: &Choices) {
        const MINUTES: [u64; 4] = [1, 5, 20, 150];
        self.clocks_may_differ = choices.one_in(Choice::Ahead, 4);
        if choices.one_in(Choice::Deployment, 8) {
            let minutes = MINUTES[choices.choose(Choice::Deployment, MINUTES.len())];
            choices.log(|| format!("a deployment takes {minutes} minutes"));
            self.deployment = Some(self.clock.now() + Duration::from_secs(60 * minutes));
        }
    }

    /// Whether a message has a newer writer, and until when its reader is old.
    fn version(&self, choices: &Choices) -> (bool, Option<Timestamp>) {
        let Some(until) = self.deployment.filter(|until| self.clock.now() < *until) else { return (false, None) };
        match choices.choose(Choice::Newer, 6) {
            0 | 1 => (true, None),
            2 => (true, Some(until)),
            _ => (false, None),
        }
    }

    /// Seconds by which the clocks of invocations may have differed.
    pub fn clocks_differ(&self) -> i64 {
        if self.clocks_may_differ { i64::try_from(MAX_AHEAD_SECONDS).unwrap_or(i64::MAX) } else { 0 }
    }

    /// Notes that no fault follows.
    pub fn end_faults(&mut self) {
        self.faults_ended = Some(self.clock.now());
    }

    fn is_duplicated(&self, event: &str, choices: &Choices) -> bool {
        let twice = choices.one_in(Choice::Duplicate, 10);
        if twice {
            choices.log(|| format!("the queue has {event} twice"));
        }
        twice
    }

    /// Whether nothing is in flight and nothing waits.
    pub fn is_idle(&self) -> bool {
        self.webhooks.is_empty() && self.is_idle_but_for_webhooks()
    }

    fn is_idle_but_for_webhooks(&self) -> bool {
        let mut positions = self.topics.values().map(|(_, position)| position).chain([&self.changes, &self.stream]);
        self.queue.is_empty()
            && !self.requests.iter().any(Request::is_open)
            && positions.all(|position| position.cursor == position.length)
            && self.backend.waiting() == 0
    }

    /// Whether an order or a payment waits for time to pass.
    pub fn waits_for_time(&self) -> bool {
        self.seen.orders.iter().any(|order| commands::waits(&self.seen, order))
            || self.seen.payments.values().any(|payment| payment.reconcile_after().is_some())
    }

    /// Whether the stores are to be read after this step.
    pub fn is_read_due(&mut self) -> bool {
        self.steps_since_snapshot += 1;
        let between = if self.plan.is_long { STEPS_BETWEEN_LOOKS } else { self.backend.steps_between_looks() };
        let looks = self.steps_since_snapshot >= between;
        if looks {
            self.steps_since_snapshot = 0;
        }
        looks
    }

    pub fn read_stores(&mut self) {
        if self.backend.see(&mut self.seen) {
            self.needs_check.set(true);
        }
    }

    /// Records a permanent failure.
    pub fn give_up(&self, to: &'static Function, failure: &Failure) {
        self.given_up.borrow_mut().push((to.name, failure.to_string()));
    }
}

/// The functions whose queues receive this event.
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
