"""The turns of scripts/chaos, and its faults of the emulator's bus. `scripts/test local` runs these tests."""

import argparse
import contextlib
import random
import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest import mock

from botocore.exceptions import ClientError

import chaos
import chaos_disturbances
import chaos_killer
import config
import emulator_records
import progress
import services
from chaos_disturbances import Disturbance, Effect
from config import ScriptError
from testing_emulator import EmulatorTest


class Turns(unittest.TestCase):
    def test_all_kinds_are_the_whole_round(self) -> None:
        self.assertEqual(chaos_killer.round_of(chaos_killer.KINDS), list(chaos_killer.ROUND))

    def test_chosen_kinds_leave_their_turns_and_their_part_of_the_common_one(self) -> None:
        left = chaos_killer.round_of(["redis", "bus"])
        self.assertEqual(left, [chaos_disturbances.BUS, (services.REDIS,), (services.REDIS,)])

    def test_processes_of_functions_have_turns_of_their_own(self) -> None:
        self.assertEqual(chaos_killer.round_of([chaos_killer.FUNCTIONS]), [(), ()])

    def test_every_disturbance_has_a_turn(self) -> None:
        turns = [turn for turn in chaos_killer.ROUND if isinstance(turn, chaos_disturbances.Disturbance)]
        self.assertCountEqual(turns, chaos_disturbances.ALL)


class Killing(unittest.TestCase):
    """A disturbance that counts what it meets."""

    def disturb(self, hits: list[int], within_s: float = 60) -> chaos_killer.Killer:
        orders = list[int]()

        @contextmanager
        def apply(_: random.Random) -> Iterator[Effect]:
            self.assertEqual(orders, [], "the order is sent while it lasts")
            yield Effect(lambda: "", lambda: hits.pop(0))
            self.assertEqual(orders, [1])

        killer = chaos_killer.Killer(7, "", lambda _: None)
        killer.order = lambda: orders.append(1)
        self.enterContext(mock.patch.object(config, "lock", contextlib.nullcontext))
        killer.disturb(Disturbance("some", apply, within_s), 0.001)
        return killer

    def test_lasts_until_it_has_met_something(self) -> None:
        hits = [0, 0, 1]
        self.assertEqual(self.disturb(hits).done["some"], 1)
        self.assertEqual(hits, [])

    def test_that_meets_nothing_within_its_limit_fails_the_run(self) -> None:
        self.enterContext(mock.patch.object(chaos_killer, "ORDER_S", 0))
        with self.assertRaisesRegex(ScriptError, "some met nothing within 0 s"):
            self.disturb([0], within_s=0)

    def test_with_two_events_to_wait_for_has_twice_the_time(self) -> None:
        limits = {each.name: each.within_s for each in chaos_disturbances.ALL}
        self.assertEqual(limits.pop("resharding"), 2 * chaos_disturbances.HIT_S)
        self.assertEqual(set(limits.values()), {chaos_disturbances.HIT_S})


class Ending(unittest.TestCase):
    """A run that has sent its orders, or is interrupted, during the first turn."""

    def setUp(self) -> None:
        self.enterContext(mock.patch.object(config, "lock", contextlib.nullcontext))
        self.enterContext(mock.patch.multiple(chaos_killer, DOWN_S=(0, 0), PAUSE_S=(0, 0)))
        self.killer = chaos_killer.Killer(7, "", lambda _: None)

    def run_two_turns(self, end: Callable[[], None], hits: Callable[[], int] | None = None) -> dict[str, int]:
        @contextmanager
        def first(_: random.Random) -> Iterator[Effect]:
            end()
            yield Effect(lambda: "", hits)

        @contextmanager
        def second(_: random.Random) -> Iterator[Effect]:
            yield Effect(lambda: "")

        self.killer.round = [Disturbance("first", first), Disturbance("second", second)]
        self.killer.run()
        self.assertIsNone(self.killer.error)
        return dict(self.killer.done)

    def test_run_that_has_sent_its_orders_finishes_the_round(self) -> None:
        self.assertEqual(self.run_two_turns(self.killer.finish), {"first": 1, "second": 1})

    def test_interrupted_run_ends_with_the_turn(self) -> None:
        self.assertEqual(self.run_two_turns(self.killer.abort), {"first": 1})

    def test_interrupted_run_waits_for_nothing_that_a_disturbance_meets(self) -> None:
        self.assertEqual(self.run_two_turns(self.killer.abort, lambda: 0), {"first": 1})

    def test_load_that_fails_or_is_interrupted_ends_the_kills(self) -> None:
        self.enterContext(mock.patch.object(progress, "heading"))
        for failure in (KeyboardInterrupt, ScriptError):
            run = chaos.Run.__new__(chaos.Run)
            run.arguments = argparse.Namespace(orders=1, clients=1, seed=7, no_kills=False, bus_outage=0)
            run.killer, run.load, run.imports, run.images, run.records = (mock.Mock() for _ in range(5))
            run.rng, run.plans = random.Random(7), []
            run.load.run.side_effect = failure
            with self.assertRaises(failure):
                run.send_and_kill()
            run.killer.abort.assert_called_once_with()
            run.killer.finish.assert_not_called()


class BusFaults(EmulatorTest):
    environment = {emulator_records.VARIABLE: "{directory}"}  # noqa: RUF012 as in the base class

    def test_bus_is_down_with_one_rejects_entries_with_less_and_accepts_without_a_fault(self) -> None:
        events, fault = self.client("events"), self.directory / "bus-fault"
        entries = [{"Source": "s", "DetailType": "t", "Detail": "{}"}] * 10

        def failed() -> int:
            answer = events.put_events(Entries=entries)
            self.assertEqual(len(answer["Entries"]), 10)
            rejected = [entry for entry in answer["Entries"] if entry.get("ErrorCode") == "ThrottlingException"]
            self.assertEqual(len(rejected), answer["FailedEntryCount"])
            return len(rejected)

        self.assertEqual(failed(), 0)
        fault.write_text("1")
        with self.assertRaises(ClientError) as raised:
            failed()
        self.assertEqual(raised.exception.response["ResponseMetadata"]["HTTPStatusCode"], 500)
        fault.write_text("0.5")
        rejected = sum(failed() for _ in range(20))
        self.assertTrue(0 < rejected < 200, rejected)
        # With those of the outage.
        recorded = (self.directory / "bus-rejected").read_text().splitlines()
        self.assertEqual(len(recorded), 10 + rejected)
        fault.unlink()
        self.assertEqual(failed(), 0)


if __name__ == "__main__":
    unittest.main()
