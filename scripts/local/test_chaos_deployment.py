"""The rolling deployment of scripts/chaos. `scripts/test local` runs these tests."""

import io
import random
import unittest
import zipfile
from unittest import mock

import aws
import chaos_deployment
import chaos_processes


def package(function: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("bootstrap", function)
    return archive.getvalue()


class RollingDeployment(unittest.TestCase):
    def setUp(self) -> None:
        # Packages of functions, and what each execution environment runs.
        self.packages = {name: package(name) for name in chaos_deployment.candidates()}
        self.environments: dict[int, str] = {}
        for module, name, replacement in (
            (aws, "package", self.packages.__getitem__),
            (aws, "set_package", self.packages.__setitem__),
            (chaos_processes, "cpu_times", lambda: dict.fromkeys(self.environments, 0)),
            (chaos_processes, "code_of", self.environments.__getitem__),
        ):
            self.enterContext(mock.patch.object(module, name, replacement))

    def run_environment(self, pid: int, function: str) -> None:
        self.environments[pid] = chaos_deployment.digest(self.packages[function])

    def test_ten_functions_have_another_package_until_the_end(self) -> None:
        before = dict(self.packages)
        with chaos_deployment.rolling(random.Random(1)) as (_, functions):
            changed = {name for name in before if self.packages[name] != before[name]}
            self.assertEqual(changed, set(functions))
            self.assertEqual(len(functions), 10)
            for name in functions:
                with zipfile.ZipFile(io.BytesIO(self.packages[name])) as file:
                    self.assertEqual(file.read("bootstrap").decode(), name)
        self.assertEqual(self.packages, before)

    def test_former_packages_are_restored_after_a_deployment_that_fails(self) -> None:
        before, deployed = dict(self.packages), list[str]()

        def fail_at_the_third(name: str, content: bytes) -> None:
            if len(deployed) == 2:
                deployed.append(name)
                raise OSError
            deployed.append(name)
            self.packages[name] = content

        with (
            mock.patch.object(aws, "set_package", fail_at_the_third),
            self.assertRaises(OSError),
            chaos_deployment.rolling(random.Random(1)),
        ):
            self.fail("the third function was deployed")
        self.assertEqual(self.packages, before)

    def test_new_environments_and_former_ones_that_finish_are_counted_once(self) -> None:
        first = random.Random(1).sample(chaos_deployment.candidates(), 1)[0]
        self.run_environment(1, first)
        self.run_environment(2, first)
        with chaos_deployment.rolling(random.Random(1)) as (deployment, functions):
            self.assertIn(first, functions)
            self.assertEqual(deployment.look(), 0)
            self.run_environment(3, first)
            self.assertEqual((deployment.look(), deployment.look()), (1, 1))
            self.assertEqual((deployment.started, deployment.finishing), ({3}, {1, 2}))

    def test_next_deployment_has_the_same_packages_and_counts_its_own_environments(self) -> None:
        self.enterContext(mock.patch.object(chaos_deployment, "COUNT", len(self.packages)))
        rng, deployed = random.Random(1), set[bytes]()
        for pid in (1, 2):
            with chaos_deployment.rolling(rng) as (deployment, _):
                deployed.add(self.packages["order-place"])
                self.run_environment(pid, "order-place")
                self.assertEqual((deployment.look(), deployment.started), (1, {pid}))
        self.assertEqual(len(deployed), 1)

    def test_functions_are_those_of_the_seed(self) -> None:
        def chosen(seed: int) -> list[str]:
            with chaos_deployment.rolling(random.Random(seed)) as (_, functions):
                return functions

        self.assertEqual(chosen(1), chosen(1))
        self.assertNotEqual(chosen(1), chosen(2))


if __name__ == "__main__":
    unittest.main()
