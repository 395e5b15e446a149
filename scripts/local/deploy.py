"""Builds and deploys the product to the running services, and waits until the API is ready."""

import hashlib
import json
import os
import urllib.error
import urllib.request

import api_client
import aws
import catalog
import config
import process
import progress
import services
from config import ScriptError

TEMPLATE = config.ROOT / "template.yaml"
PACKAGES = config.ROOT / "target" / "lambda"
STAFF, ADMIN = "staff@quayside.example", "admin@quayside.example"
READY_DEADLINE_S = 60
SHORTFALL_VARIABLE = "QUAYSIDE_SHORTFALL"


def build() -> None:
    with progress.step("Build the functions") as step:
        step.status = lambda: process.last_line(config.LOGS / "build.log")
        # The caller's environment, because it has cargo's home and the proxies.
        code, log = process.run("build", [config.ROOT / "scripts" / "build"], os.environ)
        if code != 0:
            for line in process.tail(log, 30):
                progress.note(f"| {line}")
            raise ScriptError(f"the build failed: correct the errors above, then run scripts/up again (log: {log})")


def fingerprint() -> str:
    """A hash of everything that a deployment depends on: the template, its parameters and the packages."""
    if not TEMPLATE.exists():
        raise ScriptError("template.yaml is missing: run `cargo xtask codegen`")
    packages = sorted(PACKAGES.glob("*/bootstrap.zip"))
    if not packages:
        raise ScriptError("target/lambda has no packages: run scripts/build")
    digest = hashlib.sha256(TEMPLATE.read_bytes())
    for package in packages:
        digest.update(package.parent.name.encode())
        digest.update(hashlib.sha256(package.read_bytes()).digest())
    digest.update(json.dumps(parameters(), sort_keys=True).encode())
    # The emulator starts empty, so a deployment belongs to one run of it.
    digest.update(json.dumps(_emulator_run()).encode())
    return digest.hexdigest()


def _emulator_run() -> object:
    return process.record("aws").get("started")


def parameters() -> dict[str, object]:
    """Parameters of the template."""
    return {
        "Stage": config.STAGE,
        "ApiBaseUrl": config.endpoint(),
        "DatabaseHost": "127.0.0.1",
        "DatabasePort": config.port("postgres"),
        "DatabaseName": config.DATABASE,
        "DatabasePassword": config.secret("database_password"),
        "DatabaseOwnerPassword": config.secret("owner_password"),
        "RedisUrl": config.redis_url(),
        "KafkaBrokers": config.kafka_brokers(),
        "GatewayUrl": config.gateway_url(),
        "GatewaySecretKey": config.secret("gateway_secret_key"),
        "GatewayWebhookSecret": config.secret("gateway_webhook_secret"),
        "EmailFrom": config.EMAIL_FROM,
        "PushApplicationArn": aws.push_application(),
        "ShortfallPolicy": _shortfall_policy(),
    }


def _shortfall_policy() -> str:
    policies = catalog.shortfall_policies()
    policy = os.environ.get(SHORTFALL_VARIABLE) or policies[0]
    if policy not in policies:
        raise ScriptError(f"{SHORTFALL_VARIABLE} is {policy!r}: choose one of {', '.join(policies)}")
    return policy


def deploy() -> None:
    """Deploys the stack if something changed."""
    wanted = fingerprint()
    if config.read_json(config.STACK_STATE).get("fingerprint") == wanted:
        progress.done("the stack is up to date")
        return
    config.STACK_STATE.unlink(missing_ok=True)
    with progress.step(f"Deploy the stack {config.STACK_NAME} (sam deploy)") as step:
        step.status = _deploy_status
        current = aws.stack()
        if current and ("FAILED" in current.status or current.status == "ROLLBACK_COMPLETE"):
            # CloudFormation does not update such a stack, and a restart of the emulator is faster than a deletion.
            services.stop(services.AWS)
            services.start(services.AWS)
            wanted = fingerprint()
        _sam_deploy()
        outputs = aws.outputs()
        if "ApiId" not in outputs:
            raise ScriptError("the deployed stack has no output ApiId: compare the Outputs of template.yaml")
        config.write_json(config.STACK_STATE, {"fingerprint": wanted, "api_id": outputs["ApiId"]})


def _deploy_status() -> str:
    """Progress of `sam deploy`, from its log."""
    log = config.LOGS / "deploy.log"
    created = log.read_text(errors="replace").count("_COMPLETE ") if log.exists() else 0
    return f"{created} resources" if created else "uploading packages"


def _sam_deploy() -> None:
    sam = [config.tools()["sam"] / "bin" / "sam", "deploy", "-t", TEMPLATE, "--stack-name", config.STACK_NAME]
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


def api_url() -> str:
    # With the API's id in the path, because names under .localhost do not resolve everywhere.
    return f"{config.endpoint()}/_aws/execute-api/{config.read_json(config.STACK_STATE)['api_id']}"


def migrate() -> None:
    accounts = [
        {"email": STAFF, "username": "staff", "password": config.secret("staff_password"), "role": "staff"},
        {"email": ADMIN, "username": "admin", "password": config.secret("admin_password"), "role": "admin"},
    ]
    with progress.step("Migrate the database, create the staff and admin accounts"):
        aws.invoke("database-migrate", {"accounts": accounts})


def create_signing_keys() -> None:
    """Creates the signing keys once per run of the emulator, which starts without any."""
    marker, run = config.RUN / "signing-keys", str(_emulator_run())
    if marker.exists() and marker.read_text() == run:
        return
    with progress.step("Create the signing keys"):
        aws.invoke("key-rotate", {})
        marker.write_text(run)


def await_ready() -> None:
    last = "no response"

    def is_ready() -> bool:
        nonlocal last
        try:
            with urllib.request.urlopen(f"{api_url()}/ready", timeout=10) as response:
                last = str(response.status)
                return bool(response.status == 200)
        except urllib.error.HTTPError as error:
            last = f"{error.code} {error.read().decode(errors='replace')[:300]}"
        except OSError as error:
            last = str(error)
        return False

    with progress.step("API ready"):
        if not process.wait_until(is_ready, READY_DEADLINE_S, 0.2):
            raise ScriptError(f"the API is not ready after {READY_DEADLINE_S} s: GET {api_url()}/ready returned {last}")


def register_webhooks() -> None:
    """Registers the webhook endpoint at the gateway. On every `up`, because a new emulator has another API URL."""
    endpoint = {"url": f"{api_url()}/api/v1/webhooks/payments", "secret": config.secret("gateway_webhook_secret")}
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
        "API_URL": api_url(),
        **{
            name: env[name] for name in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        },
        "DATABASE_URL": config.database_url(),
        "REDIS_URL": config.redis_url(),
        "KAFKA_BROKERS": config.kafka_brokers(),
        "GATEWAY_URL": config.gateway_url(),
        "GATEWAY_WEBHOOK_SECRET": config.secret("gateway_webhook_secret"),
        "MAILBOX_URL": config.mailbox_url(),
        "STAFF_EMAIL": STAFF,
        "STAFF_PASSWORD": config.secret("staff_password"),
        "ADMIN_EMAIL": ADMIN,
        "ADMIN_PASSWORD": config.secret("admin_password"),
    }
    config.write_private(config.STACK_ENV, "".join(f"{name}={value}\n" for name, value in lines.items()))


def bring_up() -> None:
    """Everything from the build to `stack.env`. Each step does only what a change requires."""
    build()
    deploy()
    # Always, because an earlier run may have failed in between. Both can run twice.
    migrate()
    create_signing_keys()
    started = services.begin_update(services.TRIGGER)
    services.await_ready(services.TRIGGER)
    if started:
        progress.done("the Kafka trigger polls")
    await_ready()
    register_webhooks()
    write_stack_env()
