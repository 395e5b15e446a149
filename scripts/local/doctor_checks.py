"""The checks of `scripts/doctor`. Each takes clients by service name and the target, and returns a finding."""

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import catalog
import config
import cost_model
import cost_month
from config import ScriptError

OK, WARNING, FAILED, UNSUPPORTED = "ok", "warning", "failed", "unsupported"
CREDENTIALS = "Credentials"
# Lambda keeps this much of the account's concurrency for functions without a reservation.
UNRESERVED_CONCURRENCY = 100
# Stacks of a deployment with SAM: the parent and one for each context.
SAM_STACKS = 1 + len(catalog.stacks())


@dataclass(frozen=True)
class Finding:
    status: str
    text: str
    fix: str = ""


@dataclass(frozen=True)
class Target:
    """What the environment's variables say of the account and region."""

    environment: str
    region: str
    account: str = ""
    zones: list[str] = field(default_factory=list)
    nat_gateways: int = 0
    reserves_concurrency: bool = False
    state_bucket: str = ""
    email_from: str = ""
    anomaly_monitor: str = ""
    budget: int = 0
    is_local: bool = False


def read_target(environment: str, email_from: str, is_local: bool) -> Target:
    directory = config.ROOT / "terraform" / "envs" / environment
    if not (directory / "terraform.tfvars").exists():
        known = ", ".join(sorted(path.name for path in directory.parent.iterdir()))
        raise ScriptError(f"there is no environment {environment!r} in terraform/envs: choose from {known}")
    variables = (directory / "terraform.tfvars").read_text()
    zones = re.findall(r'"([^"]+)"', _value(variables, "availability_zones"))
    nat = {"per_zone": len(zones), "single": 1}.get(_value(variables, "nat_gateways").strip('"'), 0)
    return Target(
        environment=environment,
        region=_value(variables, "region").strip('"'),
        account=_value(variables, "account_id").strip('"'),
        zones=zones,
        nat_gateways=nat,
        reserves_concurrency=_value(variables, "reserve_concurrency") == "true",
        state_bucket=_value((directory / "backend.hcl").read_text(), "bucket").strip('"'),
        email_from=email_from or _value(variables, "email_from").strip('"'),
        anomaly_monitor=_value(variables, "anomaly_monitor_arn").strip('"'),
        budget=_dollars(_value(variables, "monthly_budget_usd") or _default_budget()),
        is_local=is_local,
    )


def _dollars(text: str) -> int:
    """The whole dollars of a number of Terraform, which may have decimals and a comment behind it."""
    number = re.match(r"\d+", text)
    if number is None:
        raise ScriptError(f"monthly_budget_usd = {text}: it is a number of dollars")
    return int(number[0])


def _default_budget() -> str:
    text = (config.ROOT / "terraform" / "budgets.tf").read_text()
    return _value(text.partition('variable "monthly_budget_usd"')[2], "default")


def _value(text: str, name: str) -> str:
    """The value of an assignment in HCL, in one line."""
    found = re.search(rf"^\s*{name}\s*=\s*(.+?)\s*$", text, re.MULTILINE)
    return found[1] if found else ""


def credentials(clients: Any, target: Target) -> Finding:
    identity = clients("sts").get_caller_identity()
    account, who = identity["Account"], identity["Arn"]
    if not target.is_local and target.account and account != target.account:
        fix = f"choose another AWS_PROFILE, or put {account} into terraform/envs/{target.environment}/terraform.tfvars"
        return Finding(FAILED, f"{who} is of account {account}, the environment of {target.account}", fix)
    if who.endswith(":root"):
        return Finding(OK if target.is_local else WARNING, f"{who}", "use a role instead of the account's root user")
    return Finding(OK, f"{who}")


def zones(clients: Any, target: Target) -> Finding:
    found = clients("ec2").describe_availability_zones()["AvailabilityZones"]
    available = {zone["ZoneName"] for zone in found if zone.get("State", "available") == "available"}
    missing = sorted(set(target.zones) - available)
    if target.is_local:
        return Finding(OK, f"{len(available)} zones: {', '.join(sorted(available))}")
    if missing:
        fix = f"list zones of {', '.join(sorted(available))} in availability_zones, or enable the region"
        return Finding(FAILED, f"the region does not offer {', '.join(missing)}", fix)
    return Finding(OK, f"{', '.join(target.zones)} are available")


def lambda_concurrency(clients: Any, target: Target) -> Finding:
    limit = int(clients("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"])
    reserved = catalog.reserved_concurrency()
    needed = reserved + UNRESERVED_CONCURRENCY
    text = f"{limit} concurrent executions; the functions reserve {reserved}, and {UNRESERVED_CONCURRENCY} stay free"
    if limit >= needed:
        return Finding(OK, text)
    fix = f"request Lambda's quota L-B99A9384 (concurrent executions) of {needed} or more in Service Quotas"
    if target.reserves_concurrency:
        return Finding(FAILED, text, fix)
    return Finding(WARNING, text, f"{fix}; until then leave reserve_concurrency = false")


def quota(service: str, code: str, used: Callable[[Any], int], needed: Callable[[Target], int], what: str) -> Any:
    """A check that a quota has room for what a deployment adds."""

    def check(clients: Any, target: Target) -> Finding:
        limit = int(clients("service-quotas").get_service_quota(ServiceCode=service, QuotaCode=code)["Quota"]["Value"])
        present, more = used(clients), needed(target)
        text = f"{limit} {what}; {present} in use, a deployment adds {more}"
        if present + more <= limit:
            return Finding(OK, text)
        fix = f"request {service} {code} of {present + more} or more in Service Quotas, or delete what is not used"
        return Finding(FAILED, text, fix)

    return check


def _stacks(clients: Any) -> int:
    pages = clients("cloudformation").get_paginator("describe_stacks").paginate()
    return sum(len(page["Stacks"]) for page in pages)


def email(clients: Any, _: Target) -> Finding:
    account = clients("sesv2").get_account()
    if not account.get("SendingEnabled", True):
        return Finding(FAILED, "SES has paused sending", "see the account's reputation in the console of SES")
    quota_24h = int(account.get("SendQuota", {}).get("Max24HourSend", 0))
    if not account.get("ProductionAccessEnabled", False):
        fix = "request production access in SES; until then only verified addresses and the simulator receive e-mail"
        return Finding(WARNING, f"SES is in the sandbox, {quota_24h} e-mails in 24 hours", fix)
    return Finding(OK, f"SES sends {quota_24h} e-mails in 24 hours")


def sender(clients: Any, target: Target) -> Finding:
    if not target.email_from:
        return Finding(WARNING, "no sender address is known", "name it with --email-from or in terraform.tfvars")
    domain = target.email_from.rpartition("@")[2]
    found = clients("sesv2").list_email_identities().get("EmailIdentities", [])
    names = {row["IdentityName"] for row in found}
    if not names & {domain, target.email_from}:
        fix = (
            f"the first apply creates the identity; then publish its output email_dkim_records in the zone of {domain}"
        )
        return Finding(WARNING, f"{target.email_from} is no identity of SES yet", fix)
    name = domain if domain in names else target.email_from
    if not clients("sesv2").get_email_identity(EmailIdentity=name).get("VerifiedForSendingStatus"):
        fix = (
            "publish Terraform's output email_dkim_records in its zone, or follow the link that SES sent to an address"
        )
        return Finding(WARNING, f"{name} is not verified", fix)
    return Finding(OK, f"{name} is verified")


def sms(clients: Any, _: Target) -> Finding:
    if clients("sns").get_sms_sandbox_account_status()["IsInSandbox"]:
        fix = "request to leave the SMS sandbox in SNS; until then only verified numbers receive text messages"
        return Finding(WARNING, "SNS is in the SMS sandbox", fix)
    attributes = clients("sns").get_sms_attributes(attributes=["MonthlySpendLimit"]).get("attributes", {})
    return Finding(OK, f"SNS sends text messages, up to ${attributes.get('MonthlySpendLimit', '1')} a month")


def state_bucket(clients: Any, target: Target) -> Finding:
    s3 = clients("s3")
    names = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    if target.state_bucket not in names:
        fix = "create it as terraform/README.md says (a deployment with SAM does not need it)"
        return Finding(WARNING, f"the bucket of Terraform's state, {target.state_bucket}, does not exist", fix)
    if s3.get_bucket_versioning(Bucket=target.state_bucket).get("Status") != "Enabled":
        fix = (
            f"aws s3api put-bucket-versioning --bucket {target.state_bucket} --versioning-configuration Status=Enabled"
        )
        return Finding(FAILED, f"{target.state_bucket} is not versioned", fix)
    return Finding(OK, f"{target.state_bucket} exists and is versioned")


def anomaly_monitor(clients: Any, target: Target) -> Finding:
    """An account has one monitor of all services at most, and Cost Explorer makes one itself."""
    found = [
        monitor
        for monitor in clients("ce").get_anomaly_monitors().get("AnomalyMonitors", [])
        if monitor["MonitorType"] == "DIMENSIONAL" and monitor.get("MonitorDimension") == "SERVICE"
    ]
    own = f"{catalog.prefix()}-{target.environment}"
    if any(one["MonitorName"] == own for one in found) and not target.anomaly_monitor:
        return Finding(OK, f"the monitor of services is the environment's, {own}")
    arns = [str(one["MonitorArn"]) for one in found]
    variables = f"terraform/envs/{target.environment}/terraform.tfvars"
    if target.anomaly_monitor and target.anomaly_monitor not in arns:
        fix = f"remove anomaly_monitor_arn from {variables}"
        return Finding(FAILED, f"there is no monitor {target.anomaly_monitor}", fix)
    if arns and not target.anomaly_monitor:
        fix = f'put anomaly_monitor_arn = "{arns[0]}" into {variables}'
        return Finding(FAILED, "the account has its monitor of services, and a second one would be refused", fix)
    return Finding(OK, "the account's monitor is used" if arns else "the first apply creates the monitor of services")


def price(_clients: Any, target: Target) -> Finding:
    """What the environment costs before the first order, beside its budget. It asks the account nothing."""
    try:
        usd = cost_model.total(cost_month.fixed(target.environment))
    except KeyError as missing:
        return Finding(WARNING, f"unknown: prices.json has nothing for {missing}", "add the price, or estimate by hand")
    text = f"${usd:,.0f} a month before the first order, at list prices of us-east-1; the budget is ${target.budget:,}"
    if usd <= target.budget:
        return Finding(OK, text)
    return Finding(WARNING, text, "raise monthly_budget_usd, or choose smaller instances: its alarms would always fire")


def tools(_clients: Any, _target: Target) -> Finding:
    missing = [name for name in ("aws", "terraform") if not shutil.which(name)]
    if missing:
        return Finding(
            WARNING, f"not on this machine: {', '.join(missing)}", "install them, or let the workflows deploy"
        )
    return Finding(OK, "aws and terraform are installed")


Check = Callable[[Any, Target], Finding]
CHECKS: tuple[tuple[str, Check], ...] = (
    (CREDENTIALS, credentials),
    ("Zones", zones),
    ("Lambda concurrency", lambda_concurrency),
    ("VPCs", quota("vpc", "L-F678F1CE", lambda on: len(on("ec2").describe_vpcs()["Vpcs"]), lambda _: 1, "VPCs")),
    (
        "Elastic IPs",
        quota(
            "ec2",
            "L-0263D0A3",
            lambda on: len(on("ec2").describe_addresses()["Addresses"]),
            lambda target: target.nat_gateways,
            "addresses",
        ),
    ),
    ("Stacks", quota("cloudformation", "L-0485CB21", _stacks, lambda _: SAM_STACKS, "stacks")),
    ("E-mail", email),
    ("Sender", sender),
    ("Text messages", sms),
    ("Terraform state", state_bucket),
    ("Cost anomalies", anomaly_monitor),
    ("Price", price),
    ("Tools", tools),
)
