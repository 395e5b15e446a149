"""Roles in terraform/: each has the permissions boundary, without which no deployment may create or change it."""

import re
import unittest

from terraform_apply import TERRAFORM

ROLE = re.compile(r'^resource "aws_iam_role" "(\w+)" \{\n(.*?)^\}$', re.MULTILINE | re.DOTALL)
MODULE = re.compile(r'^module "(\w+)" \{\n(.*?)^\}$', re.MULTILINE | re.DOTALL)
BOUNDARY = re.compile(r"^  permissions_boundary += (.+)$", re.MULTILINE)
BOUNDED = "var.permissions_boundary"
# They create and change roles, which the boundary excludes. delivery.tftest.hcl says which.
MANAGE_ROLES = {"github.this": 'each.key == "deploy"', "pipeline.build": 'each.key == "apply"'}


def boundary(block: str) -> str:
    found = BOUNDARY.search(block)
    return found[1] if found else ""


class RolesTest(unittest.TestCase):
    def test_every_role_but_those_that_manage_roles_has_the_boundary(self) -> None:
        roles = {
            f"{file.parent.name}.{name}": boundary(block)
            for file in TERRAFORM.glob("**/*.tf")
            for name, block in ROLE.findall(file.read_text())
        }
        self.assertGreater(len(roles), 15)
        for role, value in roles.items():
            expected = f"{MANAGE_ROLES[role]} ? null : {BOUNDED}" if role in MANAGE_ROLES else BOUNDED
            self.assertEqual(value, expected, role)

    def test_every_module_with_roles_gets_the_boundary_of_the_environment(self) -> None:
        needs = {
            file.parent.name
            for file in TERRAFORM.glob("modules/*/variables.tf")
            if 'variable "permissions_boundary"' in file.read_text()
        }
        for file in TERRAFORM.glob("*.tf"):
            for name, block in MODULE.findall(file.read_text()):
                source = re.search(r'source += "\./modules/([\w-]+)"', block)
                if source and source[1] in needs:
                    self.assertEqual(boundary(block), "module.boundary.arn", name)


if __name__ == "__main__":
    unittest.main()
