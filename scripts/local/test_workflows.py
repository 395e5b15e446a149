"""Workflows on GitHub and builds on AWS: they run what scripts/test runs, and deploy all parts of a deployment."""

import re
import unittest

import config

WORKFLOWS = config.ROOT / ".github" / "workflows"
BUILDS = config.ROOT / "terraform" / "modules" / "pipeline" / "buildspecs"
# Steps of scripts/test that a workflow runs by another name.
OTHERWISE = {"supply": "scripts/supply-chain --online", "terraform": "- run: scripts/terraform\n"}
# What a deployment does, in this order.
DEPLOYMENT = (
    "terraform init",
    "terraform apply",
    "scripts/migrate",
    "scripts/shift-traffic",
    "scripts/publish --pages",
)


class CheckTest(unittest.TestCase):
    def test_every_usual_step_of_the_tests_is_in_the_checks(self) -> None:
        usual = re.search(r"^usual=\((.+)\)$", (config.ROOT / "scripts" / "test").read_text(), re.MULTILINE)
        assert usual
        checks = (WORKFLOWS / "check.yml").read_text()
        runs = re.findall(r"(?:- run: scripts/test|^ +steps:) ([a-z0-9 ]+)$", checks, re.MULTILINE)
        run = set(" ".join(runs).split())
        for step in usual[1].split():
            self.assertTrue(OTHERWISE[step] in checks if step in OTHERWISE else step in run, step)

    def test_command_before_a_pipe_ends_its_step_when_it_fails(self) -> None:
        """GitHub runs `bash -e` where no shell is named, and `bash -eo pipefail` where it is bash."""
        for file in sorted(WORKFLOWS.glob("*.yml")):
            text = file.read_text()
            if re.search(r"^ +(- )?run:", text, re.MULTILINE):
                self.assertIn("\ndefaults:\n  run:\n    shell: bash\n", text, file.name)
                self.assertEqual(text.count("shell:"), 1, file.name)

    def test_deployment_waits_for_the_checks_and_for_the_environment(self) -> None:
        deploy = (WORKFLOWS / "deploy.yml").read_text()
        self.assertIn("uses: ./.github/workflows/check.yml", deploy)
        self.assertEqual(re.findall(r"^    needs: (\w+)$", deploy, re.MULTILINE), ["check", "dev"])
        self.assertIn("\n    environment: ${{ inputs.environment }}\n", (WORKFLOWS / "apply.yml").read_text())


class DeploymentTest(unittest.TestCase):
    def test_both_ways_to_deploy_do_all_of_a_deployment_in_its_order(self) -> None:
        for file in (WORKFLOWS / "apply.yml", BUILDS / "apply.yml"):
            text = file.read_text()
            places = [text.find(command) for command in DEPLOYMENT]
            self.assertNotIn(-1, places, file.name)
            self.assertEqual(places, sorted(places), file.name)

    def test_packages_are_published_before_they_are_planned(self) -> None:
        text = (WORKFLOWS / "apply.yml").read_text()
        self.assertLess(text.index("scripts/publish --packages"), text.index("terraform plan"))
        self.assertIn("scripts/publish --packages", (BUILDS / "build.yml").read_text())

    def test_pages_pass_through_all_stages_of_the_pipeline(self) -> None:
        for name in ("build", "plan"):
            self.assertIn("'target/web/**/*'", (BUILDS / f"{name}.yml").read_text(), name)


if __name__ == "__main__":
    unittest.main()
