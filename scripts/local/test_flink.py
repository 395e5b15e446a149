"""Tests of what surrounds the Flink job: its properties, its checkpoints, its jar, and the tables of its archive."""

import json
import re
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import config
import flink_job
import flink_package
import flink_report
from config import ScriptError
from stream_events import CANARY

MODULE = config.ROOT / "terraform" / "modules" / "flink"


def run(directory: Path) -> flink_job.Run:
    topics = {"orders": "a", "payments": "b", "stock": "c", "results": "d"}
    return flink_job.Run("group", topics, directory / "archive", directory / "checkpoints")


class Properties(unittest.TestCase):
    def groups(self, directory: Path) -> dict[str, dict[str, str]]:
        with mock.patch.object(flink_job, "kafka_settings", return_value={"bootstrap.servers": "localhost:1"}):
            groups = flink_job.properties(run(directory))
        found = json.loads(json.dumps(groups))
        return {group["PropertyGroupId"]: group["PropertyMap"] for group in found}

    def test_every_variable_of_the_sql_files_has_a_value(self) -> None:
        job = self.groups(Path("/nowhere"))["job"]
        names = set()
        for file in job["files"].split(","):
            names |= set(re.findall(r"\$\{([^}]+)}", (flink_job.SOURCES / "sql" / file).read_text()))
        self.assertEqual(names - job.keys(), {"kafka"})

    def test_terraform_sets_the_same_properties_of_the_job(self) -> None:
        declared = set(re.findall(r'^\s+"?([a-z_.]+)"?\s+= ', (MODULE / "properties.tf").read_text(), re.MULTILINE))
        self.assertEqual(self.groups(Path("/nowhere"))["job"].keys() - declared, set())

    def test_canary_is_that_of_the_domain_wherever_it_is_named(self) -> None:
        root = config.ROOT
        rust = (root / "shared" / "domain" / "src" / "canary.rs").read_text()
        found = re.search(r"from_u128\(0x([0-9a-f_]+)\)", rust)
        self.assertEqual(found and found[1].replace("_", ""), CANARY.replace("-", ""))
        named = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
        for path in (MODULE / "properties.tf", *(root / "docs" / "questions").glob("*.sql")):
            self.assertLessEqual(set(named.findall(path.read_text())), {CANARY}, path.name)

    def test_lateness_is_that_of_the_functions(self) -> None:
        rust = (config.ROOT / "shared" / "domain" / "src" / "window.rs").read_text()
        found = re.search(r"ALLOWED_LATENESS_SECONDS: i64 = (\d+) \* 60;", rust)
        self.assertEqual(found and int(found[1]), flink_job.LATENESS_MINUTES)
        default = re.search(r'"lateness_minutes" {[^}]*?default += (\d+)', (MODULE / "variables.tf").read_text())
        self.assertEqual(default and int(default[1]), flink_job.LATENESS_MINUTES)

    def test_events_are_counted_for_as_long_as_the_functions_count_them(self) -> None:
        rust = (config.ROOT / "shared" / "domain" / "src" / "window.rs").read_text()
        found = re.search(r"COUNTED_DAYS: i64 = (\d+);", rust)
        self.assertEqual(found and int(found[1]), flink_job.KEPT_DAYS)
        default = re.search(r'"kept_days" {[^}]*?default += (\d+)', (MODULE / "variables.tf").read_text())
        self.assertEqual(default and int(default[1]), flink_job.KEPT_DAYS)

    def test_run_goes_on_from_the_newest_complete_checkpoint(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            with self.assertRaises(ScriptError):
                flink_job.resumed(run(directory))
            for number, is_complete in ((9, True), (10, True), (11, False)):
                checkpoint = directory / "checkpoints" / "job" / f"chk-{number}"
                checkpoint.mkdir(parents=True)
                if is_complete:
                    (checkpoint / "_metadata").touch()
            self.assertEqual(flink_job.resumed(run(directory)).restore, directory / "checkpoints" / "job" / "chk-10")


# Types of Flink and of Glue.
TYPES = {"STRING": "string", "BIGINT": "bigint", "TIMESTAMP_LTZ(3)": "timestamp"}


class Archive(unittest.TestCase):
    def test_glue_describes_the_tables_that_the_job_writes(self) -> None:
        text = (flink_job.SOURCES / "sql" / "archive.sql").read_text()
        written = {}
        for name, columns in re.findall(r"CREATE TABLE (\w+) \(\n([^;]*?)\n\) PARTITIONED BY \(dt\)", text):
            pairs = [line.strip().rstrip(",").split(" ", 1) for line in columns.split("\n")]
            written[name] = [[column.strip("`"), TYPES[kind]] for column, kind in pairs if column != "dt"]
        described = json.loads((MODULE / "tables.json").read_text())
        self.assertEqual(described, written)


class Report(unittest.TestCase):
    def test_table_has_the_windows_and_the_differences_of_each_comparison(self) -> None:
        compared = [flink_report.Compared("functions and Flink", 12, 340, 0)]
        text = flink_report.markdown(compared, "Seed 7: 400 orders", 0)
        self.assertIn("| functions and Flink | 12 | 340 | 0 |\n\nSeed 7: 400 orders; 0 answers", text)


class Jar(unittest.TestCase):
    def test_services_are_joined_and_signatures_left_out(self) -> None:
        service = "META-INF/services/org.example.Factory"
        entries = flink_package.collect(
            iter(
                [("a.class", b"1"), (service, b"one\n"), ("a.class", b"2"), (service, b"two"), ("META-INF/A.RSA", b"")]
            )
        )
        self.assertEqual(entries, {"a.class": b"1", service: b"one\ntwo"})


if __name__ == "__main__":
    unittest.main()
