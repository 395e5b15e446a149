"""Builds and deploys the product to the running services, and waits until the API is ready."""

import os
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import api_client
import aws
import catalog
import certificates
import cloudformation
import config
import kafka_broker
import process
import progress
import services
import stacks
import web
from config import ScriptError

STAFF, ADMIN = "staff@quayside.example", "admin@quayside.example"
READY_DEADLINE_S = 60
# How long a deployment that an interrupted `up` began may continue.
SETTLE_DEADLINE_S = 300
SHORTFALL_VARIABLE = "QUAYSIDE_SHORTFALL"
TIME_ZONE_VARIABLE = "QUAYSIDE_INVOICE_TIME_ZONE"


def build(chosen: Sequence[str]) -> None:
    """Builds and packages the functions of these stacks; every function if none is named."""
    functions = [f"--function={name}" for stack in chosen for name in catalog.functions(stack)]
    with progress.step("Build the functions") as step:
        step.status = lambda: process.last_line(config.LOGS / "build.log")
        # The caller's environment, because it has cargo's home and the proxies.
        code, log = process.run("build", [config.ROOT / "scripts" / "build", *functions], os.environ)
        if code != 0:
            for line in process.tail(log, 30):
                progress.note(f"| {line}")
            raise ScriptError(f"the build failed: correct the errors above, then run scripts/up again (log: {log})")


def _emulator_run() -> object:
    return process.record("aws").get("started")


# Where a page under development is served.
CORS_ORIGIN = "http://localhost:5173"
# Germany's prices include the tax; in the United States it is added where the shop must collect it.
TAX_RATES = "DE:included:19,books:7;US:added:0;US-NY:added:8.875,clothing:0"
SHIPPING_METHODS = "standard:free;express:EUR:1290,USD:1500"


def parameters() -> dict[str, object]:
    """Parameters of the template."""
    return {
        "Stage": config.STAGE,
        "ApiBaseUrl": config.endpoint(),
        "CorsOrigins": CORS_ORIGIN,
        "DatabaseHost": "127.0.0.1",
        "DatabasePort": config.port("postgres"),
        "DatabaseName": config.DATABASE,
        "DatabasePassword": config.secret("database_password"),
        "DatabaseOwnerPassword": config.secret("owner_password"),
        "RedisUrl": config.redis_url(),
        "KafkaBrokers": config.kafka_brokers(),
        # The emulator keeps mappings of this cluster and does not poll: scripts/kafka-trigger does, while they are on.
        "KafkaClusterArn": f"arn:aws:kafka:{config.REGION}:000000000000:cluster/{config.STACK_NAME}/local",
        "KafkaAuth": "scram",
        "KafkaLoginSecretArn": aws.put_secret(kafka_broker.LOGIN_SECRET, kafka_broker.login()),
        "KafkaCa": certificates.authority_in_base64(),
        "GatewayUrl": config.gateway_url(),
        "WebhookLocalOrigin": config.mailbox_url().rstrip("/"),
        "GatewaySecretKey": config.secret("gateway_secret_key"),
        "GatewayWebhookSecret": config.secret("gateway_webhook_secret"),
        "EmailFrom": config.EMAIL_FROM,
        "PushApplicationArn": aws.push_application(),
        "ShortfallPolicy": _shortfall_policy(),
        # One customer of a load test or a chaos test orders as many do.
        "MaxUnpaidOrders": "1000",
        "MaxUnpaidUnits": "100000",
        "MaxFailedAttempts": "1000",
        # All requests of a load test come from one address.
        "RateLimits": ";".join(f"{name}:1000000,9000000" for name in catalog.limited_classes()),
        "TaxRates": TAX_RATES,
        "ShippingMethods": SHIPPING_METHODS,
        "MaxSmsPerCustomer": "1000",
        "MaxSmsPerAddress": "1000",
        "MaxRegistrationsPerSource": "3600",
        "InvoiceTimeZone": os.environ.get(TIME_ZONE_VARIABLE) or "UTC",
    }


def _shortfall_policy() -> str:
    policies = catalog.shortfall_policies()
    policy = os.environ.get(SHORTFALL_VARIABLE) or policies[0]
    if policy not in policies:
        raise ScriptError(f"{SHORTFALL_VARIABLE} is {policy!r}: choose one of {', '.join(policies)}")
    return policy


def _state() -> dict[str, Any]:
    """What is deployed to this run of the emulator, which starts empty: the API's id, a fingerprint of each stack."""
    state = config.read_json(config.STACK_STATE)
    return state if state.get("run") == _emulator_run() else {}


def deployed_stacks() -> set[str]:
    return set(_state().get("stacks", {}))


def deployed_functions() -> list[str]:
    return [name for name in catalog.functions() if catalog.stack(name) in deployed_stacks()]


def deploy(chosen: Sequence[str]) -> None:
    """Deploys the chosen stacks if they changed, or all of them. The others stay as they are."""
    inputs = parameters()
    wanted = {stack: stacks.fingerprint(stack, inputs) for stack in chosen or catalog.stacks()}
    known = _state().get("stacks", {})
    if all(known.get(stack) == fingerprint for stack, fingerprint in wanted.items()):
        progress.done("the stack is up to date")
        return
    # Until the deployment succeeds, these stacks are not known to be in any state.
    others = {stack: fingerprint for stack, fingerprint in known.items() if stack not in wanted}
    config.write_json(config.STACK_STATE, {**_state(), "stacks": others})
    of = f", {' and '.join(chosen)}" if chosen else ""
    with progress.step(f"Deploy the stack {config.STACK_NAME}{of} (sam deploy)") as step:
        step.status = _deploy_status
        _settle()
        parent = _deployed_parent()
        present = stacks.deployed(parent)
        if chosen and stacks.SHARED not in {*chosen, *present}:
            # `_settle` restarted the emulator, which has lost it.
            chosen = [stacks.SHARED, *chosen]
            wanted[stacks.SHARED] = stacks.fingerprint(stacks.SHARED, inputs)
        _sam_deploy(stacks.write_partial(chosen, parent, aws.get_url) if chosen else stacks.TEMPLATE)
        outputs = aws.outputs()
        if "ApiId" not in outputs:
            raise ScriptError("the deployed stack has no output ApiId: compare the Outputs of template.yaml")
        # A stack of an interrupted deployment has no fingerprint: the next `up` deploys it.
        fingerprints = {**{stack: others.get(stack) for stack in present}, **wanted}
        state = {"run": _emulator_run(), "api_id": outputs["ApiId"], "stacks": fingerprints}
        config.write_json(config.STACK_STATE, state)


def _settle() -> None:
    """Waits for a deployment that an interrupted `up` began, and starts over if it or an earlier one failed."""

    def is_settled() -> bool:
        current = aws.stack()
        # A change set that was not executed leaves REVIEW_IN_PROGRESS.
        return current is None or current.status == "REVIEW_IN_PROGRESS" or "IN_PROGRESS" not in current.status

    if not process.wait_until(is_settled, SETTLE_DEADLINE_S, 0.5):
        raise ScriptError("an earlier deployment does not end: scripts/service restart aws, then scripts/up")
    current = aws.stack()
    if current and ("FAILED" in current.status or "ROLLBACK" in current.status):
        # CloudFormation does not update a stack whose creation failed, and the emulator leaves resources of a failed
        # nested stack behind. A restart of the emulator is faster than a deletion.
        services.stop(services.AWS)
        services.start(services.AWS)


def _deployed_parent() -> dict[str, Any] | None:
    template = aws.template()
    return cloudformation.parse(template) if isinstance(template, str) else template


def _deploy_status() -> str:
    """Progress of `sam deploy`, from its log."""
    log = config.LOGS / "deploy.log"
    done = log.read_text(errors="replace").count("_COMPLETE ") if log.exists() else 0
    return f"{done} stacks" if done else "uploading packages"


def _sam_deploy(template: Path) -> None:
    sam = [config.tools()["sam"] / "bin" / "sam", "deploy", "-t", template, "--stack-name", config.STACK_NAME]
    options = ["--resolve-s3", "--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar"]
    capabilities = ["--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
    overrides = ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters().items())]
    env = config.clean_env(**config.aws_env(), SAM_CLI_TELEMETRY="0", AWS_EC2_METADATA_DISABLED="true")
    code, log = process.run("deploy", [*sam, *options, *capabilities, *overrides], env)
    if code != 0:
        lines = process.tail(log, 400)
        for line in [line for line in lines if "FAILED" in line][:6] + lines[-4:]:
            progress.note(f"| {line.strip()}")
        emulator = config.LOGS / "aws.log"
        raise ScriptError(f"sam deploy failed for the reason above (log: {log}; log of the emulator: {emulator})")


def migrate() -> None:
    accounts = [
        {"email": STAFF, "username": "staff", "password": config.secret("staff_password"), "role": "staff"},
        {"email": ADMIN, "username": "admin", "password": config.secret("admin_password"), "role": "admin"},
    ]
    with progress.step("Migrate the database, create the staff and admin accounts"):
        aws.invoke("database-migrate", {"accounts": accounts})


def create_topics() -> None:
    with progress.step("Create the Kafka topics"):
        aws.invoke("topics-create", {})


def create_keys() -> None:
    """Creates the signing keys and the counter key once per run of the emulator, which starts without any."""
    marker, run = config.RUN / "keys", str(_emulator_run())
    if marker.exists() and marker.read_text() == run:
        return
    with progress.step("Create the signing keys and the counter key"):
        aws.invoke("key-rotate", {})
        marker.write_text(run)


def serve_web() -> None:
    """Builds the web pages and serves them, in front of the API."""
    web.build()
    services.begin_update(services.WEB)
    services.await_ready(services.WEB)
    outputs = aws.outputs()
    # What `upload_buckets` is in terraform/edge.tf.
    for name in ("ProductImagesBucket", "ProductFilesBucket"):
        if name in outputs:
            aws.allow_uploads(outputs[name], config.web_url().rstrip("/"))


def await_ready() -> None:
    last = "no response"

    def is_ready() -> bool:
        nonlocal last
        try:
            with urllib.request.urlopen(f"{config.api_url()}/ready", timeout=10) as response:
                last = str(response.status)
                return bool(response.status == 200)
        except urllib.error.HTTPError as error:
            last = f"{error.code} {error.read().decode(errors='replace')[:300]}"
        except OSError as error:
            last = str(error)
        return False

    with progress.step("API ready"):
        if not process.wait_until(is_ready, READY_DEADLINE_S, 0.2):
            raise ScriptError(
                f"the API is not ready after {READY_DEADLINE_S} s: GET {config.api_url()}/ready returned {last}"
            )


def register_webhooks() -> None:
    """Registers the webhook endpoint at the gateway. On every `up`, because a new emulator has another API URL."""
    endpoint = {
        "url": f"{config.api_url()}/api/v1/webhooks/payments",
        "secret": config.secret("gateway_webhook_secret"),
    }
    try:
        api_client.put_json(f"{config.gateway_url()}/_local/webhooks", endpoint)
    except ScriptError as error:
        raise ScriptError(
            f"the webhook endpoint cannot be registered: {error} (scripts/service restart gateway, then scripts/up)"
        ) from None


def write_stack_env() -> None:
    """Writes `.local/stack.env`: addresses and accounts for other programs, as lines of NAME=value."""
    env = config.aws_env()
    lines = {
        "API_URL": config.api_url(),
        "WEB_URL": config.web_url(),
        **{
            name: env[name] for name in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        },
        "DATABASE_URL": config.database_url(),
        "REDIS_URL": config.redis_url(),
        **kafka_broker.client_env(),
        "GATEWAY_URL": config.gateway_url(),
        "GATEWAY_WEBHOOK_SECRET": config.secret("gateway_webhook_secret"),
        "MAILBOX_URL": config.mailbox_url(),
        "STAFF_EMAIL": STAFF,
        "STAFF_PASSWORD": config.secret("staff_password"),
        "ADMIN_EMAIL": ADMIN,
        "ADMIN_PASSWORD": config.secret("admin_password"),
    }
    config.write_private(config.STACK_ENV, "".join(f"{name}={value}\n" for name, value in lines.items()))


def bring_up(only: Sequence[str] = ()) -> None:
    """Everything from the build to `stack.env`, for all stacks or some. Each step does only what a change requires."""
    chosen = [stack for stack in catalog.stacks() if stack in only]
    if chosen and stacks.SHARED not in {*chosen, *deployed_stacks()}:
        chosen.insert(0, stacks.SHARED)
    build(chosen)
    deploy(chosen)
    # Always, because an earlier run may have failed in between. Both can run twice.
    migrate()
    create_keys()
    deployed = deployed_functions()
    if "topics-create" in deployed:
        create_topics()
    if any(name in deployed for name in catalog.kafka_consumers()):
        started = services.begin_update(services.TRIGGER)
        services.await_ready(services.TRIGGER)
        if started:
            progress.done("the Kafka trigger polls")
    await_ready()
    serve_web()
    if "payment-webhook" in deployed:
        register_webhooks()
    write_stack_env()
