"""The job of shared/flink on this machine: compiled, given its properties, and run as one Java process."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import certificates
import config
import kafka_broker
import process
from config import ScriptError
from stream_events import CANARY

SOURCES = config.ROOT / "shared" / "flink"
DIRECTORY = config.LOCAL / "flink"
MAIN = "quayside.Job"
# Managed Service for Apache Flink runs applications of version 1.20 on Java 11.
JAVA = 11
# Flink reads fields of these packages by reflection.
OPENED = ("java.base/java.util", "java.base/java.lang", "java.base/java.time")
# A record counts as late if its window ended this long ago: see docs/streams.md.
LATENESS_MINUTES = 15
FILES = "events.sql,windows.sql,archive.sql"
# What is older is not counted, as by the functions: `COUNTED_DAYS` of shared/domain/src/window.rs.
KEPT_DAYS = 31
# Of the topic of the results.
PARTITIONS = 4


@dataclass(frozen=True)
class Run:
    """What differs between one start of the job and another."""

    group: str
    topics: dict[str, str]
    archive: Path
    checkpoints: Path
    checkpoint_s: float = 60
    # A checkpoint to go on from.
    restore: Path | None = None
    more: dict[str, str] = field(default_factory=dict)


def installed() -> Path:
    """Where scripts/setup put Flink (`lib`), and what the job's jar contains (`packaged`)."""
    directory = config.tools().get("flink-jars")
    if directory is None:
        raise ScriptError("Apache Flink is not installed: run scripts/setup --flink")
    return directory


def class_path() -> str:
    """Classes and SQL files of the job, Flink, and what the job's jar has on AWS."""
    return f"{DIRECTORY / 'classes'}:{SOURCES}:{libraries()}"


def libraries() -> str:
    return f"{installed()}/lib/*:{installed()}/packaged/*"


def compile_sources() -> None:
    """Compiles the job's program; warnings are errors."""
    classes = DIRECTORY / "classes"
    sources = sorted((SOURCES / "src").rglob("*.java"))
    classes.mkdir(parents=True, exist_ok=True)
    options = ["--release", JAVA, "-Xlint:all,-classfile", "-Werror", "-cp", libraries(), "-d", classes]
    code, log = process.run("flink-compile", ["javac", *options, *sources], config.clean_env())
    if code != 0:
        raise ScriptError("the Flink job does not compile:\n" + "\n".join(process.tail(log)))


def kafka_settings() -> dict[str, str]:
    """Settings of the job's Kafka clients: TLS, and SCRAM as for functions."""
    login = kafka_broker.login()
    module = "org.apache.kafka.common.security.scram.ScramLoginModule"
    return {
        "bootstrap.servers": config.kafka_brokers(),
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": kafka_broker.MECHANISM,
        "sasl.jaas.config": f'{module} required username="{login["username"]}" password="{login["password"]}";',
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(certificates.authority()),
        # Figures of transactions that were not committed are not seen.
        "isolation.level": "read_committed",
    }


def properties(run: Run) -> list[dict[str, object]]:
    """The application's properties, in the form of Managed Service for Apache Flink."""
    job = {
        "files": FILES,
        "group": run.group,
        "archive": run.archive.as_uri(),
        "canary": CANARY,
        "partitions": str(PARTITIONS),
        "lateness_minutes": str(LATENESS_MINUTES),
        "kept_days": str(KEPT_DAYS),
        "state_ttl": f"{KEPT_DAYS + 1} d",
        **{f"topic.{name}": topic for name, topic in run.topics.items()},
    }
    flink = {
        "parallelism.default": "2",
        "state.backend.type": "hashmap",
        "execution.checkpointing.interval": f"{int(run.checkpoint_s * 1000)} ms",
        "execution.checkpointing.mode": "EXACTLY_ONCE",
        "execution.checkpointing.dir": run.checkpoints.as_uri(),
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        # A failure ends the process, and whoever started it decides.
        "restart-strategy.type": "none",
        **run.more,
    }
    if run.restore:
        flink["execution.state-recovery.path"] = run.restore.as_uri()
    groups = {"job": job, "kafka": kafka_settings(), "flink": flink}
    return [{"PropertyGroupId": name, "PropertyMap": values} for name, values in groups.items()]


def start(run: Run, name: str) -> subprocess.Popen[bytes]:
    """Starts the job with its output in a log of this name."""
    config.make_dirs()
    path = DIRECTORY / f"{name}.json"
    config.write_private(path, json.dumps(properties(run)))
    with log(name).open("wb") as output:
        return subprocess.Popen(command(path), env=config.clean_env(), cwd="/", stdout=output, stderr=output)


def command(path: Path) -> Sequence[str]:
    opened = [f"--add-opens={package}=ALL-UNNAMED" for package in OPENED]
    # A process that lives for seconds: the serial collector and the first compiler tier.
    options = ["-Xmx1g", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    return ["java", *options, *opened, "-cp", class_path(), MAIN, str(path)]


def log(name: str) -> Path:
    return config.LOGS / f"flink-{name}.log"


def check(child: subprocess.Popen[bytes], name: str) -> None:
    """Raises an error if the job has ended: it never does by itself."""
    if child.poll() is not None:
        lines = log(name).read_text(errors="replace").splitlines()
        causes = [line for line in lines if line.startswith(("Caused by", "Exception"))]
        raise ScriptError(f"the Flink job ended: {causes[-1] if causes else 'without a cause'} (log: {log(name)})")


def last_checkpoint(directory: Path) -> Path | None:
    """The newest complete checkpoint, if there is one."""
    done = sorted(directory.glob("*/chk-*/_metadata"), key=lambda path: int(path.parent.name.removeprefix("chk-")))
    return done[-1].parent if done else None


def resumed(run: Run) -> Run:
    """The same run, going on from its last checkpoint."""
    checkpoint = last_checkpoint(run.checkpoints)
    if checkpoint is None:
        raise ScriptError(f"there is no checkpoint in {run.checkpoints} to go on from")
    return replace(run, restore=checkpoint)
