"""Workflows on GitHub: they run what scripts/test runs, and a deployment waits for it."""

import re
import unittest

import config

WORKFLOWS = config.ROOT / ".github" / "workflows"
# Steps of scripts/test that a workflow runs by another name.
OTHERWISE = {"supply": "scripts/supply-chain --online", "terraform": "- run: scripts/terraform\n"}


class CheckTest(unittest.TestCase):
    def test_every_usual_step_of_the_tests_is_in_the_checks(self) -> None:
        usual = re.search(r"^usual=\((.+)\)$", (config.ROOT / "scripts" / "test").read_text(), re.MULTILINE)
        assert usual
        checks = (WORKFLOWS / "check.yml").read_text()
        runs = re.findall(r"(?:- run: scripts/test|^ +steps:) ([a-z0-9 ]+)$", checks, re.MULTILINE)
        run = set(" ".join(runs).split())
        for step in usual[1].split():
            self.assertTrue(OTHERWISE[step] in checks if step in OTHERWISE else step in run, step)

    def test_deployment_waits_for_the_checks_and_for_the_environment(self) -> None:
        deploy = (WORKFLOWS / "deploy.yml").read_text()
        self.assertIn("uses: ./.github/workflows/check.yml", deploy)
        self.assertEqual(re.findall(r"^    needs: (\w+)$", deploy, re.MULTILINE), ["check", "dev"])
        self.assertIn("\n    environment: ${{ inputs.environment }}\n", (WORKFLOWS / "apply.yml").read_text())


if __name__ == "__main__":
    unittest.main()
