"""A Kafka client of the scripts: topics, records in, records out.

It needs the Python environment of scripts/setup --flink.
"""

import contextlib
import json
from collections.abc import Iterable, Iterator
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

import certificates
import config
import kafka_broker
from config import ScriptError

WAIT_S = 20


def _settings() -> dict[str, Any]:
    login = kafka_broker.login()
    return {
        "bootstrap.servers": config.kafka_brokers(),
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": kafka_broker.MECHANISM,
        "sasl.username": login["username"],
        "sasl.password": login["password"],
        "ssl.ca.location": str(certificates.authority()),
        # Calls report what fails; the library's own lines are of connections that it closes.
        "log_level": 2,
    }


def create_topics(names: Iterable[str], partitions: int) -> None:
    """Creates topics with one replica. Those that exist stay as they are."""
    # The futures end with the client.
    client = AdminClient(_settings())
    for name, future in client.create_topics([NewTopic(name, partitions, 1) for name in names]).items():
        try:
            future.result(WAIT_S)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise ScriptError(f"the topic {name} cannot be created: {error}") from None


def topics() -> set[str]:
    """Names of the topics that exist."""
    return set(AdminClient(_settings()).list_topics(timeout=WAIT_S).topics)


def delete_topics(names: Iterable[str]) -> None:
    client = AdminClient(_settings())
    for future in client.delete_topics(list(names)).values():
        # One that is not there is deleted already.
        with contextlib.suppress(KafkaException):
            future.result(WAIT_S)


def produce(records: Iterable[tuple[str, str | None, str]]) -> None:
    """Appends records of topic, key and value, in this order, and returns when all are acknowledged."""
    producer = Producer({**_settings(), "enable.idempotence": True, "linger.ms": 5})
    failed: list[str] = []

    def delivered(error: KafkaError | None, _message: object) -> None:
        if error:
            failed.append(str(error))

    for topic, key, value in records:
        producer.produce(topic, value.encode(), key and key.encode(), on_delivery=delivered)
        producer.poll(0)
    if producer.flush(WAIT_S) or failed:
        raise ScriptError(f"Kafka did not take all records: {failed[:1] or 'no answer in time'}")


class Offsets:
    """How far a consumer group has read."""

    def __init__(self, group: str) -> None:
        self.consumer = Consumer({**_settings(), "group.id": group})

    def _partitions(self, topic: str) -> list[TopicPartition]:
        return [
            TopicPartition(topic, each) for each in self.consumer.list_topics(topic, WAIT_S).topics[topic].partitions
        ]

    def end(self, topic: str) -> int:
        """Records of a topic that nobody writes in transactions."""
        return sum(self.consumer.get_watermark_offsets(each, WAIT_S)[1] for each in self._partitions(topic))

    def committed(self, topic: str) -> int:
        """Records of the topic that the group has committed."""
        return sum(max(each.offset, 0) for each in self.consumer.committed(self._partitions(topic), WAIT_S))

    def close(self) -> None:
        self.consumer.close()


def read(topic: str) -> Iterator[Any]:
    """The values of a topic that are committed now, as JSON, in the order of each partition."""
    consumer = Consumer(
        {**_settings(), "group.id": "none", "isolation.level": "read_committed", "enable.partition.eof": True}
    )
    try:
        waiting = set(consumer.list_topics(topic, WAIT_S).topics[topic].partitions)
        consumer.assign([TopicPartition(topic, each, 0) for each in waiting])
        while waiting:
            message = consumer.poll(WAIT_S)
            if message is None:
                raise ScriptError(f"Kafka does not deliver the topic {topic}: is another transaction open?")
            error = message.error()
            if error is None:
                yield json.loads(message.value())
            elif error.code() == KafkaError._PARTITION_EOF:
                waiting.discard(message.partition())
            else:
                raise ScriptError(f"the topic {topic} cannot be read: {error}")
    finally:
        consumer.close()
