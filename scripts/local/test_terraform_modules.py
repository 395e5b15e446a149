"""What neither a plan nor a mocked provider shows: the order in which Terraform makes resources."""

import unittest
from typing import Any

import hcl2

import config

MODULES = config.ROOT / "terraform" / "modules"


def outputs(module: str) -> dict[str, Any]:
    """The outputs of a module by name."""
    with (MODULES / module / "outputs.tf").open() as file:
        found = hcl2.load(file)["output"]
    return {name.strip('"'): body for one in found for name, body in one.items()}


class OrderTest(unittest.TestCase):
    def test_buckets_are_known_once_they_are_versioned(self) -> None:
        """S3 replicates nothing from or into a bucket without versions; the standby knows both by these outputs."""
        for name in ("arns", "names"):
            self.assertEqual(outputs("buckets")[name].get("depends_on"), ["${aws_s3_bucket_versioning.this}"], name)


if __name__ == "__main__":
    unittest.main()
