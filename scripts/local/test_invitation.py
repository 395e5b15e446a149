"""What the end of scripts/demo invites to."""

import unittest

import invitation

ENV = {
    "API_URL": "http://api",
    "WEB_URL": "http://shop/",
    "MAILBOX_URL": "http://mail/",
    "GATEWAY_URL": "http://gateway",
    **{f"{role}_{what}": f"{role}-{what}" for role in ("STAFF", "ADMIN") for what in ("EMAIL", "PASSWORD")},
}


class Invitation(unittest.TestCase):
    def shown(self, dashboards: str | None = None) -> str:
        return "\n".join(invitation.lines(invitation.places(ENV, ("ada", "secret"), "/products/1", dashboards)))

    def test_every_page_is_listed_with_an_account_of_each_role(self) -> None:
        shown = self.shown()
        for address in (
            "http://shop/",
            "http://shop/console/",
            "http://api/docs",
            "http://mail/",
            "curl http://api/products/1",
        ):
            self.assertIn(address, shown)
        for account in (
            "customer: ada, password secret",
            "staff: STAFF-EMAIL, password STAFF-PASSWORD",
            "admin: ADMIN-EMAIL",
        ):
            self.assertIn(account, shown)

    def test_dashboards_are_an_address_only_where_they_are_served(self) -> None:
        self.assertIn("dashboards  scripts/observe starts", self.shown())
        self.assertIn("dashboards  http://boards/", self.shown("http://boards/"))

    def test_hints_stand_below_the_address(self) -> None:
        shown = self.shown().splitlines()
        below = shown[shown.index("console     http://shop/console/") + 1]
        self.assertTrue(below.startswith(" " * 12 + "staff: "))


if __name__ == "__main__":
    unittest.main()
