//! Tasks of the world: which are due, how they run, and what is redelivered.

use super::{
    LONG_SWEEP_SECONDS, MAINTENANCE_SECONDS, MAX_AHEAD_SECONDS, MAX_BATCH, QueuedMessage, SWEEP_SECONDS, Task, Webhook,
    World,
};
use crate::simulation::{
    backend::Backend,
    choices::{Choice, Choices},
    defects::Defect,
    processes::Process,
};
use catalog::{Function, MAX_RECEIVES};
use futures_util::{FutureExt as _, future::LocalBoxFuture};
use kernel::Timestamp;
use std::time::Duration;

/// How long a request may take.
const HTTP_TIMEOUT: Duration = Duration::from_secs(15);

impl<S: Backend> World<S> {
    /// Takes a task that is due.
    pub fn take(&mut self, choices: &Choices) -> Option<Task> {
        const MESSAGE: usize = 2;
        let now = self.clock.now();
        let pick = |n: usize| if n == 1 { 0 } else { choices.choose(Choice::Task, n) };
        let due = self.due(now);
        let kinds = due.iter().filter(|count| **count > 0).count();
        if kinds == 0 {
            return None;
        }
        // Prefer messages: most tasks are in the queues.
        let kind = match due[MESSAGE] > 0 && choices.choose(Choice::Message, 3) != 0 {
            true => MESSAGE,
            false => nth(&due, |count| *count > 0, pick(kinds)),
        };
        Some(self.start(kind, pick(due[kind]), now, choices))
    }

    /// The number of due tasks of each kind.
    fn due(&self, now: Timestamp) -> [usize; 8] {
        let sweeps = self.sweep_at <= now && self.defect != Some(Defect::NeverSweepsOutbox);
        [
            self.requests.iter().filter(|request| request.is_due(now)).count(),
            self.changes.is_due(now).into(),
            self.queue.iter().filter(|message| message.due <= now).count(),
            self.stream.is_due(now).into(),
            self.topics.values().filter(|(_, position)| position.is_due(now)).count(),
            (sweeps && (self.delivery_checks || self.backend.waiting() > 0)).into(),
            self.maintenance_at.iter().filter(|at| **at <= now).count(),
            self.webhooks.iter().filter(|webhook| webhook.due <= now).count(),
        ]
    }

    /// Starts the `n`th due task of a kind, numbered as in [`Self::due`].
    fn start(&mut self, kind: usize, n: usize, now: Timestamp, choices: &Choices) -> Task {
        match kind {
            0 => Task::Request(nth(&self.requests, |request| request.is_due(now), n)),
            1 => {
                self.changes.begin();
                Task::Relay
            }
            2 => self.batch(nth(&self.queue, |message| message.due <= now, n), now, choices),
            3 => Task::Aggregate(self.stream.cut(choices)),
            4 => {
                let due = self.topics.iter_mut().filter(|(_, (_, position))| position.is_due(now)).nth(n);
                let (topic, (_, position)) = due.expect("a topic");
                Task::Archive(topic, position.cut(choices))
            }
            6 => {
                let what = nth(&self.maintenance_at, |at| *at <= now, n);
                // Sometimes a scheduled function is invoked twice, concurrently.
                if !choices.one_in(Choice::ConcurrentRun, 5) {
                    self.maintenance_at[what] = now + Duration::from_secs(MAINTENANCE_SECONDS);
                }
                Task::Maintenance(what)
            }
            7 => Task::Webhook(self.webhooks.remove(nth(&self.webhooks, |webhook| webhook.due <= now, n))),
            _ => {
                if !choices.one_in(Choice::ConcurrentRun, 8) {
                    let seconds = if self.plan.is_long { LONG_SWEEP_SECONDS } else { SWEEP_SECONDS };
                    self.sweep_at = now + Duration::from_secs(seconds);
                    self.sweeps += 1;
                }
                Task::Sweep
            }
        }
    }

    /// A batch of the message `first` and others that are due for the same function.
    fn batch(&mut self, first: usize, now: Timestamp, choices: &Choices) -> Task {
        let first = self.queue.remove(first);
        let most = 1 + choices.choose(Choice::Batch, MAX_BATCH);
        let (to, mut messages) = (first.to, vec![first]);
        let mut room = most - 1;
        let along = self.queue.extract_if(.., |message| {
            let goes_along = room > 0 && message.to.name == to.name && message.due <= now;
            room -= usize::from(goes_along);
            goes_along
        });
        messages.extend(along);
        Task::Batch(to, messages)
    }

    /// Runs tasks concurrently, and requeues what has to be redelivered.
    pub fn work(&mut self, tasks: Vec<Task>, choices: &Choices) {
        self.platform.gateway().set_time(self.clock.now());
        self.processes.begin(tasks.iter().map(|task| self.process(task, choices)).collect());
        let outcomes = {
            let world = &*self;
            let work = |(slot, task)| world.processes.run(slot, world.perform(task, slot).boxed_local());
            let work: Vec<LocalBoxFuture<'_, Vec<bool>>> = tasks.iter().enumerate().map(work).collect();
            world.backend.work(work, choices)
        };
        let millis = 1 + choices.choose(Choice::Millis, 700);
        self.clock.advance(Duration::from_millis(millis as u64));
        for (task, outcome) in tasks.into_iter().zip(outcomes) {
            self.settle(task, outcome, choices);
        }
    }

    /// The invocation of a task. While faults last, clocks differ by minutes.
    fn process(&self, task: &Task, choices: &Choices) -> Process {
        const AHEAD: [u64; 4] = [0, 0, 20, MAX_AHEAD_SECONDS];
        let function = match task {
            Task::Batch(to, _) => Some(*to),
            Task::Aggregate(_) => Some(catalog::WINDOW_AGGREGATE),
            Task::Maintenance(0) => Some(catalog::STOCK_SWEEP),
            Task::Maintenance(1) => Some(catalog::ORDER_SWEEP),
            Task::Maintenance(2) => Some(catalog::PAYMENT_RECONCILE),
            Task::Maintenance(_) => Some(catalog::LEDGER_RECONCILE),
            _ => None,
        };
        let may_differ = self.clocks_may_differ && self.faults_ended.is_none() && self.backend.commits_in_order();
        let seconds = if may_differ { AHEAD[choices.choose(Choice::Ahead, AHEAD.len())] } else { 0 };
        Process {
            context: function.map(|function| function.context),
            timeout: function.map_or(HTTP_TIMEOUT, |function| Duration::from_secs(function.timeout_s.into())),
            ahead: Duration::from_secs(seconds),
        }
    }

    /// `outcome` says for each record whether it is redelivered; it is `None` if the process crashed.
    fn settle(&mut self, task: Task, outcome: Option<Vec<bool>>, choices: &Choices) {
        let now = self.clock.now();
        let again = outcome.as_ref().is_none_or(|again| again.contains(&true));
        // In outages of hours, more attempts show nothing.
        let retry_at = now + Duration::from_secs(if self.plan.is_long { 300 } else { 1 });
        let twice = |n| {
            let twice = choices.one_in(Choice::Redelivery, n);
            if twice {
                choices.log(|| "what was done comes again".to_owned());
            }
            twice
        };
        match task {
            Task::Request(n) => {
                let request = &mut self.requests[n];
                // Sometimes the response is lost.
                let is_lost = !again && choices.one_in(Choice::LostResponse, 4);
                if is_lost {
                    choices.log(|| format!("the response to request {n} is lost"));
                }
                request.is_done |= !again && !is_lost;
                request.due = Some(now + wait(request.attempt));
                request.attempt += 1;
            }
            Task::Webhook(webhook) if again && webhook.attempt == MAX_RECEIVES => {
                self.given_up.borrow_mut().push(("the gateway", format!("{:?} was not taken", webhook.event)));
            }
            Task::Webhook(webhook) if again => {
                let due = now + wait(webhook.attempt);
                self.webhooks.push(Webhook { attempt: webhook.attempt + 1, due, ..webhook });
            }
            Task::Webhook(_) | Task::EarlyWebhook(_) => {}
            Task::Relay => self.changes.settle(retry_at, if again { 0 } else { 1 }, twice(12)),
            Task::Aggregate(taken) => self.stream.settle(retry_at, if again { 0 } else { taken }, twice(12)),
            Task::Archive(topic, taken) => {
                let (_, position) = self.topics.get_mut(topic).expect("a topic");
                position.settle(retry_at, if again { 0 } else { taken }, twice(12));
            }
            Task::Sweep | Task::Maintenance(_) => {}
            Task::Batch(to, messages) => {
                let all = vec![true; messages.len()];
                // Nobody set a backoff for what a process held when it died.
                let hidden = outcome.is_none().then(|| Duration::from_secs(to.visibility_s().into()));
                let mut again = outcome.unwrap_or(all.clone());
                if self.defect == Some(Defect::AcknowledgesWholeBatch) && again != all {
                    again.fill(false);
                }
                if to.name == catalog::UPDATE_SEND.name {
                    self.note_notified(&messages, &again);
                }
                for (message, again) in messages.into_iter().zip(again) {
                    if again || twice(20) {
                        let backoff = hidden.unwrap_or_else(|| self.backoff(message.attempt));
                        self.redeliver(to, message, now + backoff);
                    }
                }
            }
        }
    }

    /// Notes how often each event was delivered to `update-send`, and the e-mails that were sent when it was handled.
    fn note_notified(&mut self, messages: &[QueuedMessage], again: &[bool]) {
        let sent = self.platform.email_sender().delivery_ids();
        for (message, again) in messages.iter().zip(again) {
            let notified = self.notified.entry(message.event.id).or_default();
            notified.deliveries += 1;
            if !again && notified.copies_when_handled.is_none() {
                let copies = sent.iter().filter(|id| **id == message.event.id).count();
                notified.copies_when_handled = Some(copies);
            }
        }
    }

    fn redeliver(&mut self, to: &'static Function, message: QueuedMessage, due: Timestamp) {
        let most = if self.defect == Some(Defect::GivesUpAfterHours) { 40 } else { MAX_RECEIVES };
        if message.attempt == most {
            self.given_up.borrow_mut().push((to.name, format!("{} came {most} times", message.event.event.row().name)));
            return;
        }
        self.queue.push(QueuedMessage { attempt: message.attempt + 1, due, ..message });
    }

    /// The backoff that the consumer sets for a message that failed.
    fn backoff(&self, attempt: u32) -> Duration {
        wait(attempt) * if self.defect == Some(Defect::BacksOffInMinutes) { 60 } else { 1 }
    }

    /// Advances the clock until something is due. Returns `false` if nothing ever will be.
    pub fn skip_time(&mut self) -> bool {
        let now = self.clock.now();
        let requests = self.requests.iter().filter(|request| !request.is_done).filter_map(|request| request.due);
        let webhooks = self.webhooks.iter().map(|webhook| webhook.due);
        let positions = self.topics.values().map(|(_, position)| position).chain([&self.changes, &self.stream]);
        let positions = positions.filter(|position| position.cursor < position.length).map(|position| position.due);
        let waits =
            self.defect != Some(Defect::NeverSweepsOutbox) && (self.delivery_checks || self.backend.waiting() > 0);
        let sweep = waits.then_some(self.sweep_at);
        // Nothing happens until a late webhook comes: sweeps find nothing.
        let stands_still = self.is_idle_but_for_webhooks() && !self.waits_for_time();
        let maintenance = self.maintenance_at.iter().copied().filter(|_| !stands_still);
        let due = requests
            .chain(self.queue.iter().map(|message| message.due))
            .chain(positions)
            .chain(sweep)
            .chain(maintenance)
            .chain(webhooks);
        let Some(next) = due.filter(|due| *due > now).min() else { return false };
        self.clock.advance(next.duration_since(now).try_into().expect("a time to come"));
        true
    }
}

/// The index of the `n`th item that is `wanted`.
fn nth<T>(all: &[T], wanted: impl Fn(&T) -> bool, n: usize) -> usize {
    let mut places = all.iter().enumerate().filter(|(_, one)| wanted(one));
    places.nth(n).map(|(at, _)| at).expect("as many as were counted")
}

/// The backoff before the next attempt, as in `edge`.
fn wait(attempt: u32) -> Duration {
    Duration::from_secs(1_u64.checked_shl(attempt - 1).unwrap_or(900).min(900))
}

#[test]
fn message_of_a_process_that_died_comes_again_after_the_visibility_timeout() {
    use crate::simulation::{backend::Memory, commands::Plan};
    use std::rc::Rc;
    use testkit::build;
    let function = catalog::STOCK_RESERVE;
    let waits = |outcome: Option<Vec<bool>>| {
        let now = build::noon();
        let mut world = World::new(Memory::new(), now, 1, Plan::with(&[], true), None);
        let event = Rc::new(build::event(1, build::order().order_placed()));
        let (is_newer, unread_until) = (false, None);
        let message = QueuedMessage { to: function, event, attempt: 1, sent: now, is_newer, unread_until, due: now };
        world.settle(Task::Batch(function, vec![message]), outcome, &Choices::none());
        world.queue.iter().map(|message| message.due.as_second() - now.as_second()).collect::<Vec<_>>()
    };
    assert_eq!(waits(None), vec![i64::from(function.visibility_s())]);
    assert_eq!(waits(Some(vec![true])), vec![1]);
    assert!(waits(Some(vec![false])).is_empty());
}
