//! Messaging: the bus, dead letters, the analytics stream, e-mail, SMS and push.

use super::super::{anonymous_client, poll, var};
use super::{client, fresh};
use adapters_eventbridge::EventBridge;
use adapters_kinesis::KinesisAnalyticsStream;
use adapters_ses::SesEmailSender;
use adapters_sns::{SnsPushSender, SnsSmsSender};
use adapters_sqs::SqsDeadLetters;
use aws_sdk_sqs::types::{Message, QueueAttributeName};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::{
    Event,
    text::{Email, Phone},
};
use edge::DeadLetter;
use kernel::Ids;
use ports::EmailMessage;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use testkit::Platform;
use testkit::contract::{Fixture, Observed, Observer};

/// A queue, and the messages received from it.
struct Queue<T> {
    client: aws_sdk_sqs::Client,
    url: String,
    read: fn(&Message) -> T,
    messages: RefCell<Vec<T>>,
}

impl<T> Queue<T> {
    async fn new(kind: &str, read: fn(&Message) -> T) -> Self {
        let client = aws_sdk_sqs::Client::from_conf(client!(aws_sdk_sqs).build());
        let made = client.create_queue().queue_name(fresh(kind)).send().await.expect("the queue is created");
        Self { client, url: made.queue_url.expect("a URL"), read, messages: RefCell::default() }
    }

    async fn arn(&self) -> String {
        let name = QueueAttributeName::QueueArn;
        let attributes =
            self.client.get_queue_attributes().queue_url(&self.url).attribute_names(name.clone()).send().await;
        attributes.expect("a response of the queue").attributes.and_then(|mut all| all.remove(&name)).expect("an ARN")
    }
}

impl<T: Clone> Observer<T> for Queue<T> {
    async fn received(&self, count: usize, mine: &dyn Fn(&T) -> bool) -> Vec<T> {
        poll(count, || async {
            let receive = self.client.receive_message().queue_url(&self.url).max_number_of_messages(10);
            let got = receive.wait_time_seconds(1).message_attribute_names("All").send().await.expect("a response");
            for message in got.messages() {
                self.messages.borrow_mut().push((self.read)(message));
                let handle = message.receipt_handle().expect("a handle");
                let deleted = self.client.delete_message().queue_url(&self.url).receipt_handle(handle);
                deleted.send().await.expect("deleted");
            }
            self.messages.borrow().iter().filter(|one| mine(one)).cloned().collect()
        })
        .await
    }
}

mod bus {
    use super::*;

    /// The event in the envelope that EventBridge sends to a target.
    fn event(message: &Message) -> Event {
        let envelope: Value = serde_json::from_str(message.body().expect("a body")).expect("JSON");
        let event: Event = serde_json::from_value(envelope["detail"].clone()).expect("an event");
        assert_eq!(envelope["detail-type"], event.event.row().name);
        assert_eq!(envelope["source"], event.source);
        event
    }

    /// A bus whose events all go to a queue.
    async fn fixture() -> Fixture<Observed<EventBridge, Queue<Event>>> {
        let (queue, bus) = (Queue::new("bus", event).await, fresh("bus"));
        let client = aws_sdk_eventbridge::Client::from_conf(client!(aws_sdk_eventbridge).build());
        client.create_event_bus().name(&bus).send().await.expect("the bus is created");
        let pattern = json!({ "source": [{ "prefix": "quayside." }] }).to_string();
        let rule = client.put_rule().event_bus_name(&bus).name("all").event_pattern(pattern).send().await;
        let policy = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": { "Service": "events.amazonaws.com" },
            "Action": "sqs:SendMessage",
            "Resource": queue.arn().await,
            "Condition": { "ArnEquals": { "aws:SourceArn": rule.expect("the rule is created").rule_arn } },
        }] });
        let allow = queue.client.set_queue_attributes().queue_url(&queue.url);
        let allow = allow.attributes(QueueAttributeName::Policy, policy.to_string()).send().await;
        allow.expect("the bus may send");
        let target = aws_sdk_eventbridge::types::Target::builder().id("queue").arn(queue.arn().await).build();
        let target = client.put_targets().event_bus_name(&bus).rule("all").targets(target.expect("a target"));
        target.send().await.expect("the target is set");
        let port = EventBridge::new(client, bus);
        Fixture::new([Observed { port, observer: queue }], &Platform::new())
    }

    testkit::contract_bus!(fixture());
}

mod dead_letters {
    use super::*;

    fn dead_letter(message: &Message) -> DeadLetter {
        let all = message.message_attributes().into_iter().flatten();
        let mut said: BTreeMap<String, String> =
            all.map(|(name, value)| (name.clone(), value.string_value().expect("text").to_owned())).collect();
        let mut take = |name: &str| said.remove(name).unwrap_or_default();
        let (encoding, body) = (take("body_encoding"), message.body().expect("a body"));
        let body = match encoding.as_str() {
            // A single padding character represents an empty body.
            "base64" if body == "=" => String::new(),
            "base64" => String::from_utf8(STANDARD.decode(body).expect("base64")).expect("UTF-8"),
            _ => body.to_owned(),
        };
        DeadLetter {
            body,
            reason: take("reason"),
            detail: take("detail"),
            function: take("function"),
            attempt: take("attempt").parse().expect("a number"),
            record_id: take("record_id"),
            source: take("source"),
            attributes: said,
        }
    }

    async fn fixture() -> Fixture<Observed<SqsDeadLetters, Queue<DeadLetter>>> {
        let queue = Queue::new("dead-letters", dead_letter).await;
        let port = SqsDeadLetters::new(queue.client.clone(), queue.url.clone(), None);
        Fixture::new([Observed { port, observer: queue }], &Platform::new())
    }

    testkit::contract_dead_letters!(fixture());
}

mod analytics_stream {
    use super::*;
    use aws_sdk_kinesis::types::{ShardIteratorType, StreamStatus};
    use domain::window::StreamRecord;

    /// A stream that is always read from its beginning.
    struct Stream {
        client: aws_sdk_kinesis::Client,
        name: String,
    }

    impl Stream {
        async fn is_active(&self) -> bool {
            let summary =
                self.client.describe_stream_summary().stream_name(&self.name).send().await.expect("a response");
            summary.stream_description_summary().map(|stream| stream.stream_status()) == Some(&StreamStatus::Active)
        }

        async fn shard(&self, shard: &str) -> Vec<StreamRecord> {
            let from = self.client.get_shard_iterator().stream_name(&self.name).shard_id(shard);
            let from = from.shard_iterator_type(ShardIteratorType::TrimHorizon).send().await.expect("a response");
            let got = self.client.get_records().set_shard_iterator(from.shard_iterator).send().await.expect("records");
            let event = |data: &[u8]| serde_json::from_slice(data).expect("an event");
            got.records().iter().map(|record| event(record.data().as_ref())).collect()
        }
    }

    impl Observer<StreamRecord> for Stream {
        async fn received(&self, count: usize, mine: &dyn Fn(&StreamRecord) -> bool) -> Vec<StreamRecord> {
            poll(count, || async {
                let shards = self.client.list_shards().stream_name(&self.name).send().await.expect("a response");
                let mut events = Vec::new();
                for shard in shards.shards() {
                    events.extend(self.shard(shard.shard_id()).await);
                }
                events.retain(|event| mine(event));
                events
            })
            .await
        }
    }

    async fn fixture() -> Fixture<Observed<KinesisAnalyticsStream, Stream>> {
        let client = aws_sdk_kinesis::Client::from_conf(client!(aws_sdk_kinesis).build());
        let stream = Stream { client: client.clone(), name: fresh("analytics") };
        client.create_stream().stream_name(&stream.name).shard_count(2).send().await.expect("the stream is created");
        poll(1, || async { if stream.is_active().await { vec![()] } else { vec![] } }).await;
        let port = KinesisAnalyticsStream::new(client, stream.name.clone());
        Fixture::new([Observed { port, observer: stream }], &Platform::new())
    }

    testkit::contract_analytics_stream!(fixture());
}

mod email {
    use super::*;

    /// The local mailbox, which lists the e-mails it received.
    struct Mailbox(reqwest::Client);

    impl Mailbox {
        async fn emails(&self) -> Vec<EmailMessage> {
            let listed = self.0.get(var("MAILBOX_URL")).send().await.expect("a response of the mailbox");
            let listed: Vec<Value> = listed.json().await.expect("a list");
            let text = |mail: &Value, name: &str| mail[name].as_str().unwrap_or_default().replace("\r\n", "\n");
            let email = |mail: &Value| {
                let to = Email::parse(mail["to"][0].as_str()?).ok()?;
                Some(EmailMessage {
                    to,
                    subject: text(mail, "subject"),
                    text: text(mail, "text"),
                    html: text(mail, "html"),
                })
            };
            listed.iter().filter_map(email).collect()
        }
    }

    impl Observer<EmailMessage> for Mailbox {
        async fn received(&self, count: usize, mine: &dyn Fn(&EmailMessage) -> bool) -> Vec<EmailMessage> {
            poll(count, || async { self.emails().await.into_iter().filter(|email| mine(email)).collect() }).await
        }
    }

    async fn fixture() -> Fixture<Observed<SesEmailSender, Mailbox>> {
        let client = aws_sdk_sesv2::Client::from_conf(client!(aws_sdk_sesv2).build());
        let sender = format!("contract-{}@example.com", Ids::system().next().simple());
        client.create_email_identity().email_identity(&sender).send().await.expect("the sender may send");
        let rules = fresh("mail");
        client.create_configuration_set().configuration_set_name(&rules).send().await.expect("the rules are made");
        let port = SesEmailSender::new(client, Email::parse(&sender).expect("an address"), rules);
        let observer = Mailbox(anonymous_client());
        Fixture::new([Observed { port, observer }], &Platform::new())
    }

    testkit::contract_email_sender!(fixture());
}

mod sms {
    use super::*;

    /// The emulator's record of text messages.
    struct Phones(reqwest::Client);

    impl Observer<(Phone, String)> for Phones {
        async fn received(&self, count: usize, mine: &dyn Fn(&(Phone, String)) -> bool) -> Vec<(Phone, String)> {
            let url = format!("{}/_ministack/sns/sms-messages", var("AWS_ENDPOINT_URL"));
            poll(count, || async {
                let recorded: Value = self.0.get(&url).send().await.expect("a response").json().await.expect("JSON");
                let all = recorded["sms_messages"].as_object().into_iter().flatten();
                let text = |to: &str, one: &Value| {
                    Some((Phone::parse(to).ok()?, one["Message"].as_str().unwrap_or_default().to_owned()))
                };
                let texts =
                    all.flat_map(|(to, texts)| texts.as_array().into_iter().flatten().map(move |one| text(to, one)));
                texts.flatten().filter(|one| mine(one)).collect()
            })
            .await
        }
    }

    async fn fixture() -> Fixture<Observed<SnsSmsSender, Phones>> {
        let port = SnsSmsSender::new(aws_sdk_sns::Client::from_conf(client!(aws_sdk_sns).build()));
        Fixture::new([Observed { port, observer: Phones(anonymous_client()) }], &Platform::new())
    }

    testkit::contract_sms_sender!(fixture());
}

mod push {
    use super::*;

    /// The emulator accepts notifications and records none, so that only the port's own results are checked.
    async fn fixture() -> Fixture<SnsPushSender> {
        let client = aws_sdk_sns::Client::from_conf(client!(aws_sdk_sns).build());
        let made = client.create_platform_application().name(fresh("push")).platform("GCM");
        let made = made.attributes("PlatformCredential", "none").send().await.expect("the application is created");
        Fixture::new([SnsPushSender::new(client, made.platform_application_arn)], &Platform::new())
    }

    testkit::contract_push_sender!(fixture());
}

mod dead_letter_queues {
    use super::*;
    use adapters_sqs::SqsQueues;
    use testkit::contract::dead_letter_queues::{CONSUMER, QueuesAndDeadLetters};

    /// New queues of one consumer.
    async fn fixture() -> Fixture<QueuesAndDeadLetters<SqsQueues, SqsDeadLetters>> {
        let client = aws_sdk_sqs::Client::from_conf(client!(aws_sdk_sqs).build());
        let name = format!("{}-{}", fresh("redrive"), CONSUMER.name);
        let create = async |name: &str| {
            let made = client.create_queue().queue_name(name).send().await.expect("the queue is created");
            made.queue_url.expect("a URL")
        };
        let url = create(&name).await;
        let dead = create(&format!("{name}{}", catalog::DEAD_LETTER_SUFFIX)).await;
        let prefix = url.strip_suffix(CONSUMER.name).expect("the name of the consumer").to_owned();
        let dead_letters = SqsDeadLetters::new(client.clone(), dead, Some(url));
        let port = QueuesAndDeadLetters { queues: SqsQueues::new(client, prefix), dead_letters };
        Fixture::new([port], &Platform::new())
    }

    testkit::contract_dead_letter_queues!(fixture());
}

mod consumer_mappings {
    use super::*;
    use adapters_lambda::LambdaMappings;
    use aws_sdk_lambda::primitives::Blob;
    use aws_sdk_lambda::types::{FunctionCode, Runtime};
    use testkit::contract::consumer_mappings::CONSUMER;

    /// An archive without entries, of which no version is invoked: the queues are empty.
    const NO_CODE: &[u8] = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

    /// A new function with an alias, and a mapping of a new queue to each of both.
    async fn fixture() -> Fixture<LambdaMappings> {
        let lambda = aws_sdk_lambda::Client::from_conf(client!(aws_sdk_lambda).build());
        let queues = aws_sdk_sqs::Client::from_conf(client!(aws_sdk_sqs).build());
        let name = format!("{}-{}", fresh("mappings"), CONSUMER.name);
        let code = FunctionCode::builder().zip_file(Blob::new(NO_CODE)).build();
        let create = lambda.create_function().function_name(&name).code(code).handler("bootstrap").publish(true);
        // The role has to exist, and is not used.
        let others = lambda.list_functions().max_items(1).send().await.expect("a list").functions.unwrap_or_default();
        let role = others.into_iter().find_map(|one| one.role).expect("the stack has functions");
        let made = create.runtime(Runtime::Providedal2023).role(role).send().await.expect("the function is created");
        let alias = lambda.create_alias().function_name(&name).name("live").function_version("1");
        alias.send().await.expect("the alias is created");
        for target in [name.clone(), format!("{name}:live")] {
            let queue = queues.create_queue().queue_name(fresh("mapped")).send().await.expect("the queue is created");
            let arn = QueueAttributeName::QueueArn;
            let read = queues.get_queue_attributes().queue_url(queue.queue_url.expect("a URL"));
            let read = read.attribute_names(arn.clone()).send().await.expect("its attributes");
            let source = read.attributes.and_then(|mut all| all.remove(&arn)).expect("an ARN");
            let map = lambda.create_event_source_mapping().function_name(target).event_source_arn(source);
            map.send().await.expect("the mapping is created");
        }
        let arn = made.function_arn.expect("an ARN");
        let arn = arn.strip_suffix(":1").unwrap_or(&arn);
        let beginning = arn.strip_suffix(CONSUMER.name).expect("the name of the consumer").to_owned();
        // The running stack has mappings, too: a list has several pages.
        Fixture::new([LambdaMappings::new(lambda, beginning, 10)], &Platform::new())
    }

    testkit::contract_consumer_mappings!(fixture());
}
