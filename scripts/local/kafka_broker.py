"""Apache Kafka of the local cloud, as clients meet it on MSK: TLS and SASL/SCRAM-SHA-512, and no listener without.

The one node is broker and controller. Its two roles talk over TLS with certificates on both sides.
"""

import shutil
import socket
import struct
import uuid
from collections.abc import Sequence

import certificates
import config
import process
from config import ScriptError

USER = "quayside"
# As on MSK, the only SCRAM mechanism.
MECHANISM = "SCRAM-SHA-512"
# MSK accepts secrets with names of this beginning only.
LOGIN_SECRET = f"AmazonMSK_{config.STACK_NAME}"


def login() -> dict[str, str]:
    """User name and password, in the form of a secret that MSK accepts."""
    return {"username": USER, "password": config.secret("kafka_password")}


def client_env() -> dict[str, str]:
    """Environment of a client, as functions have it."""
    return {
        "KAFKA_BROKERS": config.kafka_brokers(),
        "KAFKA_AUTH": "scram",
        "KAFKA_LOGIN_SECRET": LOGIN_SECRET,
        "KAFKA_CA": certificates.authority_in_base64(),
    }


def command() -> Sequence[object]:
    return _java("512m", "kafka.Kafka", config.DATA / "kafka" / "server.properties")


def is_ready() -> bool:
    # ApiVersions, version 0, correlation id 7: the broker responds before the login, once it serves requests.
    body = struct.pack(">hhih", 18, 0, 7, 2) + b"up"
    try:
        with (
            socket.create_connection(("127.0.0.1", config.port("kafka")), timeout=2) as plain,
            certificates.trust().wrap_socket(plain, server_hostname="127.0.0.1") as connection,
        ):
            connection.sendall(struct.pack(">i", len(body)) + body)
            response = connection.recv(10)
    except OSError:
        return False
    return len(response) == 10 and struct.unpack(">iih", response)[1:] == (7, 0)


def prepare() -> None:
    data = config.DATA / "kafka"
    data.mkdir(parents=True, exist_ok=True)
    certificate, key = certificates.service("kafka")
    # Kafka reads key and certificate from one file.
    keystore = data / "keystore.pem"
    config.write_private(keystore, key.read_text() + certificate.read_text())
    properties = data / "server.properties"
    lines = _properties(str(keystore))
    config.write_private(properties, "".join(f"{name}={value}\n" for name, value in lines.items()))
    # Written once the storage knows the login. A storage without it is from an interrupted start.
    mark = data / "logs" / "login-is-stored"
    if mark.exists():
        return
    shutil.rmtree(data / "logs", ignore_errors=True)
    cluster = uuid.uuid4().hex[:22]
    scram = f"{MECHANISM}=[name={USER},password={login()['password']}]"
    options = ["-t", cluster, "-c", properties, "--add-scram", scram]
    argv = _java("256m", "kafka.tools.StorageTool", "format", *options)
    code, log = process.run("kafka-format", argv, config.clean_env())
    if code != 0:
        raise ScriptError(f"Kafka cannot format its storage: {process.last_line(log)} (log: {log})")
    mark.touch()


def _properties(keystore: str) -> dict[str, object]:
    broker, controller = config.port("kafka"), config.port("kafka_controller")
    module = "org.apache.kafka.common.security.scram.ScramLoginModule"
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{controller}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"CLIENTS://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": f"CLIENTS://127.0.0.1:{broker}",
        "inter.broker.listener.name": "CLIENTS",
        "listener.security.protocol.map": "CLIENTS:SASL_SSL,CONTROLLER:SSL",
        "listener.name.controller.ssl.client.auth": "required",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": keystore,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": certificates.authority(),
        "sasl.enabled.mechanisms": MECHANISM,
        "sasl.mechanism.inter.broker.protocol": MECHANISM,
        f"listener.name.clients.{MECHANISM.lower()}.sasl.jaas.config": (
            f'{module} required username="{USER}" password="{login()["password"]}";'
        ),
        "log.dirs": config.DATA / "kafka" / "logs",
        "auto.create.topics.enable": "false",
        # One node. On MSK the cluster's configuration says three.
        "default.replication.factor": 1,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 1,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
    }


def _java(heap: str, *arguments: object) -> Sequence[object]:
    # A short-lived broker starts faster with the serial collector and the first compiler tier only.
    options = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    logging = ["-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-Dorg.slf4j.simpleLogger.showDateTime=true"]
    return ["java", f"-Xmx{heap}", *options, *logging, "-cp", f"{config.tools()['kafka']}/lib/*", *arguments]
