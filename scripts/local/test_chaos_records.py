"""Records of scripts/chaos: what is sent, and that each defect of what is stored breaks its row."""

import argparse
import contextlib
import datetime
import json
import random
import unittest
from typing import Any
from unittest import mock

import chaos
import chaos_killer
import chaos_load
import chaos_observer
import chaos_quiescence
import chaos_record_checks
import chaos_records
import config
import progress
import services
from chaos_load import NO_RESPONSE, Attempt
from chaos_records import EVERY, LAST_SIZE, SIZE, Records
from config import ScriptError
from testing_chaos import HOUR, A, B, C, SoundRunTest, record_id, stored

Json = dict[str, Any]

ACCEPTED, SUMMED = "records accepted:", "records stored:"
AGAIN = "accepted requests with records sent again:"


class ChecksTest(SoundRunTest):
    def test_record_that_is_lost_or_stored_twice_is_found(self) -> None:
        self.assert_breaks(lambda observed: observed["records"]["stored"].pop(), ACCEPTED, SUMMED)
        twice = stored(record_id(1000 * HOUR, 8), 0)
        self.assert_breaks(lambda observed: observed["records"]["stored"].append(twice), ACCEPTED, SUMMED)
        self.assert_breaks(lambda observed: observed["records"]["stored"].append(stored(A, 0)), ACCEPTED, SUMMED)

    def test_record_that_is_lost_with_its_part_of_the_sums_is_found(self) -> None:
        def damage(observed: Json) -> None:
            observed["records"]["stored"].pop()
            observed["records"]["rollups"].pop()

        self.assert_breaks(damage, ACCEPTED)

    def test_record_that_is_stored_in_the_place_of_a_lost_one_is_found(self) -> None:
        def damage(observed: Json) -> None:
            observed["records"]["stored"][0] = stored(record_id(1000 * HOUR, 8), 0)

        self.assert_breaks(damage, ACCEPTED)
        self.assert_breaks(lambda observed: observed["records"]["stored"][0].update(number=9), ACCEPTED)

    def test_record_that_was_never_accepted_is_found(self) -> None:
        def damage(observed: Json) -> None:
            observed["records"]["stored"].append(stored(record_id(1000 * HOUR, 9), 9))
            observed["records"]["rollups"][0].update(records=3, bytes=36)

        self.assert_breaks(damage, ACCEPTED)

    def test_request_with_too_few_ids_or_those_of_another_is_found(self) -> None:
        self.assert_breaks(lambda observed: observed["records"]["batches"][0].update(size=3), ACCEPTED)
        self.assert_breaks(lambda observed: observed["records"]["batches"][1].update(ids=[B]), ACCEPTED)

    def test_wrong_sum_of_an_hour_is_found(self) -> None:
        self.assert_breaks(lambda observed: observed["records"]["rollups"][0].update(records=3), SUMMED)
        self.assert_breaks(lambda observed: observed["records"]["rollups"][0].update(bytes=25), SUMMED)
        self.assert_breaks(lambda observed: observed["records"]["rollups"].pop(), SUMMED)

    def test_sums_of_the_wrong_hours_are_found_although_they_add_up(self) -> None:
        def damage(observed: Json) -> None:
            first, second = observed["records"]["rollups"]
            first["hour"], second["hour"] = second["hour"], first["hour"]

        self.assert_breaks(damage, SUMMED)

    def test_repetition_with_another_response_is_found(self) -> None:
        differs = {"same": False, "response": "202 others"}
        self.assert_breaks(lambda observed: observed["records"]["batches"][0].update(again=differs), AGAIN)
        observed = {"records": {"batches": [{"key": "r0", "again": differs}]}}
        self.assertEqual(chaos_record_checks.repetitions(observed).violations, ["key r0: 202 others"])

    def test_records_that_are_lost_and_stored_twice_are_named(self) -> None:
        batches = [{"key": "r0", "first": 0, "size": 3, "ids": [A, B, C], "again": None}]
        observed = {"records": {"batches": batches, "stored": [stored(A, 0), stored(A, 0), stored(B, 1)]}}
        row = chaos_record_checks.records(observed)
        lost = f"lost: record {C}, number 2, was accepted and is not stored"
        self.assertEqual(row.violations, [lost, "duplicate: number 0 is stored 2 times"])
        self.assertFalse(row.ok)

    def test_run_without_records_or_without_a_repetition_is_found(self) -> None:
        empty: Json = {"batches": [], "stored": [], "rollups": []}
        self.assert_breaks(lambda observed: observed.update(records=empty), ACCEPTED, AGAIN)
        self.assert_breaks(lambda observed: observed["records"]["batches"][0].update(again=None), AGAIN)


def accepted(body: Json) -> Attempt:
    ids = [f"id {record['payload']['number']}" for record in body["records"]]
    return Attempt(202, json.dumps({"accepted": len(ids), "ids": ids}).encode())


class SendingTest(unittest.TestCase):
    def setUp(self) -> None:
        self.enterContext(mock.patch.object(Records, "pause_s", 0))
        self.load = mock.Mock()
        self.load.send.side_effect = self.send
        self.records = Records(self.load, "s")
        self.sent: list[tuple[str, Json]] = []
        self.responses: list[Attempt] = []
        # The number of requests after which the last kill is over.
        self.stop_after = 0

    def send(self, _client: object, method: str, path: str, body: Json, key: str) -> Attempt:
        self.assertEqual((method, path), ("POST", "/data"))
        self.sent.append((key, body))
        if len(self.sent) == self.stop_after:
            self.records.stopping.set()
        return self.responses.pop(0) if self.responses else accepted(body)

    def run_until(self, number: int) -> list[Json]:
        self.stop_after = number
        self.records.run()
        return self.records.made

    def test_every_fourth_request_is_sent_again_with_the_same_key_and_body(self) -> None:
        made = self.run_until(EVERY + 2)
        keys = [key for key, _ in self.sent]
        self.assertEqual(keys, ["s-0", "s-0", "s-1", "s-2", "s-3", "s-4", "s-4", "s-5"])
        self.assertEqual((self.sent[1], self.sent[6]), (self.sent[0], self.sent[5]))
        self.assertEqual([batch["again"] is not None for batch in made], [True, False, False, False, True, False])
        self.assertTrue(made[0]["again"]["same"])

    def test_last_request_is_sent_after_the_last_kill_and_is_for_every_partition(self) -> None:
        made = self.run_until(2)
        self.assertEqual([batch["size"] for batch in made], [SIZE, LAST_SIZE])
        self.assertEqual(len(self.sent), 3)

    def test_nothing_is_sent_after_the_last_request(self) -> None:
        made = self.run_until(EVERY + 1)
        self.assertEqual((len(made), self.sent[-1][0]), (EVERY + 1, f"s-{EVERY}"))
        self.assertEqual([key for key, _ in self.sent].count(f"s-{EVERY}"), 1)

    def test_numbers_of_the_ids_follow_on_from_request_to_request(self) -> None:
        made = self.run_until(5)
        ids = [record for batch in made for record in batch["ids"]]
        self.assertEqual(ids, [f"id {number}" for number in range(len(ids))])
        self.assertEqual([batch["first"] for batch in made], [SIZE * number for number in range(len(made))])

    def test_request_is_repeated_during_an_outage_until_it_is_accepted(self) -> None:
        self.responses = [Attempt(NO_RESPONSE), Attempt(503), Attempt(503)]
        self.run_until(8)
        self.assertIsNone(self.records.error)
        self.assertEqual([key for key, _ in self.sent[:5]], ["s-0"] * 5)
        self.assertEqual(len({json.dumps(body) for _, body in self.sent[:5]}), 1)

    def test_attempts_of_a_request_are_counted_over_all_its_repetitions(self) -> None:
        self.responses = [Attempt(NO_RESPONSE, number=14), Attempt(503, number=14), accepted(self.body(0))]
        made = self.run_until(6)
        self.assertEqual([batch["attempts"] for batch in made[:2]], [29, 1])

    def test_request_that_nothing_accepts_after_the_last_kill_fails_the_run(self) -> None:
        self.responses = [Attempt(503)] * 3
        self.run_until(2)
        self.assertIn("records were not accepted: 503", str(self.records.error))
        self.assertEqual(len(self.sent), 3)

    def test_request_that_is_refused_fails_the_run(self) -> None:
        self.responses = [Attempt(422, b"{}")]
        self.run_until(9)
        self.assertIn("records were not accepted: 422", str(self.records.error))

    def test_repetition_with_other_ids_is_remembered(self) -> None:
        self.responses = [accepted(self.body(0)), accepted(self.body(1))]
        again = self.run_until(3)[0]["again"]
        self.assertFalse(again["same"])
        self.assertIn("id 1", again["response"])

    @staticmethod
    def body(first: int) -> Json:
        return chaos_records.body_of("s", first, SIZE, datetime.datetime(2026, 11, 21, 8, 47, tzinfo=datetime.UTC))

    def test_records_of_a_request_are_of_several_hours(self) -> None:
        times = [record["recorded_at"] for record in self.body(0)["records"]]
        self.assertEqual(times[0], "2026-11-21T08:47:00.000Z")
        self.assertEqual(len({time[:13] for time in times}), 4)


class AttemptsTest(unittest.TestCase):
    def test_response_says_which_attempt_it_is(self) -> None:
        self.enterContext(mock.patch("time.sleep"))
        responses = [Attempt(NO_RESPONSE), Attempt(503), Attempt(202), Attempt(202)]
        self.enterContext(mock.patch.object(chaos_load, "attempt", side_effect=responses))
        load = chaos_load.Load({}, [], mock.Mock(), chaos_load.Statistics())
        numbers = [load.send(load.staff, "POST", "/data").number for _ in range(2)]
        self.assertEqual(numbers, [3, 1])


class OutagesTest(unittest.TestCase):
    def test_request_is_hit_by_an_outage_that_it_overlaps_with_more_than_one_attempt(self) -> None:
        batches: list[Json] = [{"span": (began, began + 1), "attempts": 2} for began in (0, 2, 4, 6)]
        self.assertEqual(chaos_records.hit(batches, [(2.5, 2.6), (4.9, 6.1)]), 3)
        self.assertEqual(chaos_records.hit(batches, [(1.2, 1.8), (7, 9)]), 0)
        batches[1]["attempts"] = 1
        self.assertEqual(chaos_records.hit(batches, [(2.5, 2.6), (4.9, 6.1)]), 2)

    def kill(self, *chosen: services.Service) -> list[tuple[float, float]]:
        """Outages of a kill that takes ten seconds, on a clock that these steps alone move."""
        now = 0.0

        def step(_: object) -> None:
            nonlocal now
            now += 10.0 / len(chosen)

        self.enterContext(mock.patch.object(config, "lock", contextlib.nullcontext))
        self.enterContext(mock.patch.multiple(chaos_killer, DOWN_S=(0, 0)))
        self.enterContext(mock.patch("time.monotonic", side_effect=lambda: now))
        for name in ("kill", "begin_start", "await_ready"):
            self.enterContext(mock.patch.object(services, name, side_effect=step))
        self.enterContext(mock.patch.object(chaos_killer.Killer, "drop_responses"))
        killer = chaos_killer.Killer(7, "", lambda _: None, [service.name for service in chosen])
        killer.kill(chosen)
        return killer.outages

    def test_kill_is_an_outage_from_when_all_are_killed_until_all_are_ready(self) -> None:
        self.assertEqual(self.kill(services.POSTGRES), [(10.0, 30.0)])
        self.assertEqual(self.kill(services.REDIS, services.KAFKA), [(10.0, 30.0)])

    def test_kill_of_services_that_requests_with_records_do_not_need_is_no_outage(self) -> None:
        self.assertEqual(self.kill(services.REDIS, services.GATEWAY, services.TRIGGER), [])


class RunTest(unittest.TestCase):
    def setUp(self) -> None:
        self.enterContext(mock.patch.object(progress, "heading"))
        self.chaos = chaos.Run.__new__(chaos.Run)
        self.chaos.arguments = argparse.Namespace(orders=1, clients=1, seed=7, no_kills=False, bus_outage=0)
        self.chaos.rng, self.chaos.plans = random.Random(7), []
        self.killer, self.load = mock.Mock(error=None, outages=[(1.0, 2.0)]), mock.Mock(errors=[])
        self.workers = [mock.Mock(error=None) for _ in range(3)]
        self.chaos.killer, self.chaos.load, self.chaos.observer = self.killer, self.load, mock.Mock()
        self.chaos.imports, self.chaos.images, self.records = self.workers
        self.chaos.records = self.records
        self.records.made = [{"span": (0.0, 1.5), "attempts": 2}]

    def test_records_are_sent_until_the_kills_have_ended(self) -> None:
        self.killer.finish.side_effect = self.records.stopping.set.assert_not_called
        self.chaos.send_and_kill()
        self.killer.finish.assert_called_once_with()
        self.records.stopping.set.assert_called_once_with()
        self.records.join.assert_called_once_with()

    def test_run_whose_outages_made_no_request_with_records_repeat_fails(self) -> None:
        for made in ({"span": (0.0, 0.5), "attempts": 2}, {"span": (0.0, 1.5), "attempts": 1}):
            self.records.made = [made]
            with self.assertRaisesRegex(ScriptError, "while PostgreSQL or Kafka was down"):
                self.chaos.send_and_kill()

    def test_run_without_an_outage_needs_no_repeated_request_with_records(self) -> None:
        self.killer.outages, self.records.made = [], [{"span": (0.0, 0.5), "attempts": 1}]
        self.chaos.send_and_kill()

    def test_error_of_the_kills_is_raised_without_waiting_for_what_they_left_down(self) -> None:
        self.killer.error = "kafka does not start"
        with self.assertRaisesRegex(ScriptError, "ended early: kafka does not start"):
            self.chaos.send_and_kill()
        self.load.finish.assert_not_called()
        self.records.join.assert_not_called()
        self.records.stopping.set.assert_called_once_with()

    def test_workers_are_waited_for_if_an_order_besides_fails(self) -> None:
        self.load.finish.side_effect = ScriptError("an order failed")
        with self.assertRaisesRegex(ScriptError, "an order failed"):
            self.chaos.send_and_kill()
        for worker in self.workers:
            worker.join.assert_called_once_with()

    def test_error_of_the_thread_fails_the_run(self) -> None:
        self.records.error = "a request with records failed"
        with self.assertRaisesRegex(ScriptError, "a request with records failed"):
            self.chaos.send_and_kill()


class QuiescenceTest(unittest.TestCase):
    def pending(self, written: int) -> list[str]:
        observer = chaos_observer.Observer.__new__(chaos_observer.Observer)
        observer.made_records = {"source": "s", "batches": [{"ids": [A, B]}, {"ids": [C]}]}
        with mock.patch.object(chaos_observer, "rows", return_value=[{"n": written}]):
            return chaos_quiescence._unwritten_records(observer)

    def test_accepted_records_are_pending_until_they_are_written(self) -> None:
        self.assertEqual(self.pending(1), ["2 accepted records not written"])
        self.assertEqual(self.pending(3), [])


if __name__ == "__main__":
    unittest.main()
