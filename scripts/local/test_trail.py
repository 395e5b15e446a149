"""Filter patterns of CloudWatch decide about events of CloudTrail. `scripts/test local` runs these tests."""

import unittest

import catalog
import trail


class Patterns(unittest.TestCase):
    def test_member_is_compared_with_a_text(self) -> None:
        matches = trail.matcher('{ $.eventName = "RotationFailed" }')
        self.assertTrue(matches({"eventName": "RotationFailed"}))
        self.assertFalse(matches({"eventName": "RotationSucceeded"}))
        self.assertFalse(matches({}))

    def test_and_binds_before_or_and_parentheses_before_both(self) -> None:
        both = trail.matcher('{ $.a = "1" || $.a = "2" && $.b = "3" }')
        grouped = trail.matcher('{ ($.a = "1" || $.a = "2") && ($.b = "3") }')
        self.assertEqual((both({"a": "1"}), grouped({"a": "1"})), (True, False))
        self.assertEqual((both({"a": "2", "b": "3"}), grouped({"a": "2", "b": "3"})), (True, True))

    def test_use_of_the_root_user_is_found_unless_a_service_did_it(self) -> None:
        matches = trail.matcher(catalog.section("alarms")["root-used"]["pattern"])
        root = {"userIdentity": {"type": "Root"}, "eventType": "AwsApiCall"}
        self.assertTrue(matches(root))
        self.assertFalse(matches({**root, "eventType": "AwsServiceEvent"}))
        self.assertFalse(matches({**root, "userIdentity": {"type": "Root", "invokedBy": "x.amazonaws.com"}}))
        self.assertFalse(matches({**root, "userIdentity": {"type": "AssumedRole"}}))

    def test_pattern_with_something_else_is_refused(self) -> None:
        for pattern in ("{ $.a > 1 }", '{ $.a = "1" ', "$.a", '{ $.a = "1" && }'):
            with self.assertRaises(trail.PatternError, msg=pattern):
                trail.matcher(pattern)


if __name__ == "__main__":
    unittest.main()
