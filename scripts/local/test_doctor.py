"""The checks of an account: what they find, and how errors are reported."""

import contextlib
import io
import unittest
from dataclasses import replace
from typing import Any

import botocore.session
from botocore.exceptions import ClientError, NoCredentialsError

import catalog
import cost_model
import cost_month
import doctor
import doctor_checks as checks
from config import ScriptError
from doctor_checks import FAILED, OK, UNSUPPORTED, WARNING, Finding, Target

PROD = Target(
    environment="prod",
    region="eu-west-1",
    account="222222222222",
    zones=["eu-west-1a", "eu-west-1b", "eu-west-1c"],
    nat_gateways=3,
    reserves_concurrency=True,
    state_bucket="state",
    email_from="orders@shop.example",
)
LOCAL = Target(environment="dev", region="eu-west-1", is_local=True)


class Account:
    """An account whose operations respond with these values, whichever service they are of."""

    def __init__(self, **responses: Any) -> None:
        self.responses = responses

    def __call__(self, _service: str) -> "Account":
        return self

    def __getattr__(self, operation: str) -> Any:
        return lambda **_: self.responses[operation]


def rejecting(code: str) -> Any:
    def check(_clients: Any, _target: Target) -> Finding:
        raise ClientError({"Error": {"Code": code, "Message": "no"}}, "GetQuota")

    return check


class Checks(unittest.TestCase):
    def status(self, check: checks.Check, target: Target = PROD, **responses: Any) -> str:
        finding = check(Account(**responses), target)
        self.assertTrue(finding.text)
        self.assertEqual(bool(finding.fix), finding.status != OK, finding)
        return finding.status

    def test_credentials_are_those_of_the_environment(self) -> None:
        def identity(account: str) -> dict[str, str]:
            return {"Account": account, "Arn": f"arn:aws:sts::{account}:assumed-role/deploy/me"}

        self.assertEqual(self.status(checks.credentials, get_caller_identity=identity("222222222222")), OK)
        self.assertEqual(self.status(checks.credentials, get_caller_identity=identity("333333333333")), FAILED)

    def test_zones_exist_in_the_region(self) -> None:
        found = [{"ZoneName": f"eu-west-1{letter}", "State": "available"} for letter in "abc"]
        self.assertEqual(self.status(checks.zones, describe_availability_zones={"AvailabilityZones": found}), OK)
        fewer = {"AvailabilityZones": found[:2]}
        self.assertEqual(self.status(checks.zones, describe_availability_zones=fewer), FAILED)

    def test_concurrency_covers_what_functions_reserve(self) -> None:
        def settings(limit: int) -> dict[str, Any]:
            return {"AccountLimit": {"ConcurrentExecutions": limit}}

        enough = catalog.reserved_concurrency() + checks.UNRESERVED_CONCURRENCY
        self.assertGreater(enough, checks.UNRESERVED_CONCURRENCY)
        self.assertEqual(self.status(checks.lambda_concurrency, get_account_settings=settings(enough)), OK)
        self.assertEqual(self.status(checks.lambda_concurrency, get_account_settings=settings(enough - 1)), FAILED)
        dev = Target(environment="dev", region="eu-west-1")
        self.assertEqual(self.status(checks.lambda_concurrency, dev, get_account_settings=settings(10)), WARNING)

    def test_quota_has_room_for_the_deployment(self) -> None:
        addresses = dict(checks.CHECKS)["Elastic IPs"]
        used: dict[str, Any] = {"Addresses": [{}, {}]}
        for limit, expected in ((5, OK), (4, FAILED)):
            quota = {"Quota": {"Value": float(limit)}}
            status = self.status(addresses, get_service_quota=quota, describe_addresses=used)
            self.assertEqual(status, expected)

    def test_sandboxes_are_reported(self) -> None:
        self.assertEqual(self.status(checks.email, get_account={"ProductionAccessEnabled": False}), WARNING)
        self.assertEqual(self.status(checks.email, get_account={"ProductionAccessEnabled": True}), OK)
        self.assertEqual(self.status(checks.email, get_account={"SendingEnabled": False}), FAILED)
        self.assertEqual(self.status(checks.sms, get_sms_sandbox_account_status={"IsInSandbox": True}), WARNING)

    def test_sender_is_a_verified_identity(self) -> None:
        for names, verified, expected in (
            (["other.example"], True, WARNING),
            (["shop.example"], False, WARNING),
            (["shop.example"], True, OK),
            (["orders@shop.example"], True, OK),
        ):
            rows = {"EmailIdentities": [{"IdentityName": name} for name in names]}
            identity = {"VerifiedForSendingStatus": verified}
            status = self.status(checks.sender, list_email_identities=rows, get_email_identity=identity)
            self.assertEqual(status, expected, names)

    def test_account_has_one_monitor_of_services(self) -> None:
        def monitor(name: str, kind: str = "DIMENSIONAL") -> dict[str, str]:
            arn = f"arn:aws:ce::222222222222:anomalymonitor/{name}"
            return {"MonitorArn": arn, "MonitorName": name, "MonitorType": kind, "MonitorDimension": "SERVICE"}

        theirs = monitor("Default-Services-Monitor")
        using = replace(PROD, anomaly_monitor=theirs["MonitorArn"])
        for target, monitors, expected in (
            (PROD, [], OK),
            (PROD, [monitor("one", "CUSTOM")], OK),
            (PROD, [theirs], FAILED),
            (PROD, [monitor("quayside-prod")], OK),
            (using, [theirs], OK),
            (using, [], FAILED),
        ):
            status = self.status(checks.anomaly_monitor, target, get_anomaly_monitors={"AnomalyMonitors": monitors})
            self.assertEqual(status, expected, monitors)

    def test_price_of_the_environment_is_within_its_budget(self) -> None:
        usd = cost_model.total(cost_month.fixed("prod"))
        self.assertEqual(self.status(checks.price, replace(PROD, budget=int(usd) + 1)), OK)
        self.assertEqual(self.status(checks.price, replace(PROD, budget=int(usd))), WARNING)
        self.assertIn(f"${usd:,.0f} a month", checks.price(None, PROD).text)
        for name in cost_month.ENVIRONMENTS:
            self.assertEqual(self.status(checks.price, checks.read_target(name, "", False)), OK, name)

    def test_state_is_versioned(self) -> None:
        state = {"Buckets": [{"Name": "state"}]}
        for buckets, versioning, expected in (
            ({"Buckets": []}, {}, WARNING),
            (state, {}, FAILED),
            (state, {"Status": "Enabled"}, OK),
        ):
            status = self.status(checks.state_bucket, list_buckets=buckets, get_bucket_versioning=versioning)
            self.assertEqual(status, expected)


class Examination(unittest.TestCase):
    def test_operation_that_the_endpoint_lacks_is_said_and_does_not_fail(self) -> None:
        self.assertEqual(doctor.examine(rejecting("InvalidAction"), None, PROD).status, UNSUPPORTED)
        self.assertEqual(doctor.examine(rejecting("400"), None, LOCAL).status, UNSUPPORTED)
        self.assertEqual(doctor.examine(rejecting("400"), None, PROD).status, FAILED)

    def test_operation_that_is_not_allowed_fails_with_its_name(self) -> None:
        finding = doctor.examine(rejecting("AccessDenied"), None, PROD)
        self.assertEqual(finding.status, FAILED)
        self.assertIn("GetQuota: AccessDenied", finding.text)

    def test_missing_credentials_end_the_examination(self) -> None:
        def no_credentials(_service: str) -> Any:
            raise NoCredentialsError

        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            failed = doctor.diagnose(no_credentials, PROD)
        self.assertEqual(failed, 1)
        self.assertIn("there are no AWS credentials", output.getvalue())
        self.assertNotIn("Zones", output.getvalue())

    def test_operations_of_the_checks_exist_in_the_clients(self) -> None:
        """The fakes of these tests respond to any name."""
        session = botocore.session.get_session()
        for service, operation in (
            ("sts", "GetCallerIdentity"),
            ("ec2", "DescribeAvailabilityZones"),
            ("ec2", "DescribeVpcs"),
            ("ec2", "DescribeAddresses"),
            ("lambda", "GetAccountSettings"),
            ("service-quotas", "GetServiceQuota"),
            ("cloudformation", "DescribeStacks"),
            ("sesv2", "GetAccount"),
            ("sesv2", "ListEmailIdentities"),
            ("sesv2", "GetEmailIdentity"),
            ("sns", "GetSMSSandboxAccountStatus"),
            ("sns", "GetSMSAttributes"),
            ("s3", "ListBuckets"),
            ("s3", "GetBucketVersioning"),
            ("ce", "GetAnomalyMonitors"),
        ):
            self.assertIn(operation, session.get_service_model(service).operation_names)


class Environments(unittest.TestCase):
    def test_target_has_the_values_of_the_variables(self) -> None:
        prod = checks.read_target("prod", "", False)
        self.assertEqual((prod.region, prod.nat_gateways, prod.reserves_concurrency), ("eu-west-1", 3, True))
        self.assertEqual(prod.zones, ["eu-west-1a", "eu-west-1b", "eu-west-1c"])
        self.assertRegex(prod.account, "^[0-9]{12}$")
        self.assertTrue(prod.state_bucket)
        self.assertEqual(checks.read_target("dev", "", False).nat_gateways, 1)

    def test_unknown_environment_is_named(self) -> None:
        with self.assertRaisesRegex(ScriptError, "staging.*dev, prod"):
            checks.read_target("staging", "", False)


if __name__ == "__main__":
    unittest.main()
