"""From running parts to a running product: build, deploy the template, migrate, rotate keys, wait for /ready."""

import hashlib
import json
import os
import urllib.error
import urllib.request

import aws
import config
import services
import process
import progress
from config import ScriptError

TEMPLATE = config.ROOT / "template.yaml"
STAFF, ADMIN = "staff@quayside.example", "admin@quayside.example"
READY_DEADLINE_S = 60
# What may become of an order that is paid and has no stock.
SHORTFALL_VARIABLE, SHORTFALL_POLICIES = "QUAYSIDE_SHORTFALL", ("refund", "backorder", "review")


def build():
    with progress.step("functions built") as step:
        step.status = lambda: process.last_line(config.LOGS / "build.log")
        # The caller's environment: cargo's home and proxies are the caller's business.
        code, log = process.run("build", [config.ROOT / "scripts" / "build"], dict(os.environ))
        if code != 0:
            for line in process.tail(log, 30):
                progress.note(f"| {line}")
            raise ScriptError(f"the build failed: mend what it says above, then run scripts/up again (its output is {log})")


def fingerprint():
    """What is to be deployed: the template and the packages it names."""
    if not TEMPLATE.exists():
        raise ScriptError("template.yaml is missing: run `cargo xtask codegen`")
    packages = sorted((config.ROOT / "target" / "lambda").glob("*/bootstrap.zip"))
    if not packages:
        raise ScriptError("target/lambda holds no packages: run scripts/build")
    digest = hashlib.sha256(TEMPLATE.read_bytes())
    for package in packages:
        digest.update(package.parent.name.encode())
        digest.update(hashlib.sha256(package.read_bytes()).digest())
    digest.update(json.dumps(parameters(), sort_keys=True).encode())
    # The emulator forgets everything when it ends, so a deployment belongs to one run of it.
    digest.update(json.dumps(process.record("aws").get("started")).encode())
    return digest.hexdigest()


def parameters():
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
        "ShortfallPolicy": shortfall_policy(),
    }


def shortfall_policy():
    policy = os.environ.get(SHORTFALL_VARIABLE) or SHORTFALL_POLICIES[0]
    if policy not in SHORTFALL_POLICIES:
        raise ScriptError(f"{SHORTFALL_VARIABLE} is {policy!r}: choose one of {', '.join(SHORTFALL_POLICIES)}")
    return policy


def deploy():
    """Deploys when something changed."""
    wanted, known = fingerprint(), config.read_json(config.STACK_STATE)
    if known.get("fingerprint") == wanted:
        progress.done("stack is up to date")
        return
    config.STACK_STATE.unlink(missing_ok=True)
    with progress.step(f"stack {config.STACK_NAME} deployed with sam deploy") as step:
        step.status = _deploy_status
        current = aws.stack()
        if current and ("FAILED" in current["status"] or current["status"] == "ROLLBACK_COMPLETE"):
            # Such a stack takes no update, and the emulator starts empty faster than it cleans up.
            services.stop(services.AWS)
            services.start(services.AWS)
            wanted = fingerprint()
        _sam_deploy()
        found = aws.stack()
        if not found or "ApiId" not in found["outputs"]:
            raise ScriptError("the deployed stack has no output ApiId: look at the Outputs of template.yaml")
        config.STACK_STATE.write_text(json.dumps({"fingerprint": wanted, "api_id": found["outputs"]["ApiId"]}) + "\n")


def _deploy_status():
    """How far `sam deploy` is, from its log."""
    log = config.LOGS / "deploy.log"
    done = log.read_text(errors="replace").count("_COMPLETE ") if log.exists() else 0
    return f"{done} resources" if done else "packages go up"


def _sam_deploy():
    overrides = [f"{name}={value}" for name, value in parameters().items()]
    code, log = process.run("deploy", [
        config.tools()["sam"] / "bin" / "sam", "deploy", "-t", TEMPLATE, "--stack-name", config.STACK_NAME, "--resolve-s3",
        "--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar",
        "--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND",
        "--parameter-overrides", *overrides,
    ], config.clean_env(**config.aws_env(), SAM_CLI_TELEMETRY="0", AWS_EC2_METADATA_DISABLED="true"))
    if code != 0:
        lines = process.tail(log, 400)
        for line in [l for l in lines if "FAILED" in l][:6] + lines[-4:]:
            progress.note(f"| {line.strip()}")
        raise ScriptError(f"sam deploy failed: the reason stands above; its whole output is {log}, the emulator's "
                      f"{config.LOGS / 'aws.log'}")


def api_url():
    # By path, because names under .localhost do not resolve for every client.
    return f"{config.endpoint()}/_aws/execute-api/{config.read_json(config.STACK_STATE)['api_id']}"


def migrate():
    accounts = [
        {"email": STAFF, "username": "staff", "password": config.secret("staff_password"), "role": "staff"},
        {"email": ADMIN, "username": "admin", "password": config.secret("admin_password"), "role": "admin"},
    ]
    with progress.step("database migrated, staff and admin accounts made"):
        aws.invoke("database-migrate", {"accounts": accounts})


def make_keys():
    """Once for a run of the emulator, which starts without signing keys; a further rotation would retire one."""
    made, run = config.RUN / "signing-keys", str(process.record("aws").get("started"))
    if made.exists() and made.read_text() == run:
        return
    with progress.step("signing keys made"):
        aws.invoke("key-rotate", {})
        made.write_text(run)


def await_ready():
    last = "no answer"

    def ready():
        nonlocal last
        try:
            with urllib.request.urlopen(f"{api_url()}/ready", timeout=10) as answer:
                last = str(answer.status)
                return answer.status == 200
        except urllib.error.HTTPError as error:
            last = f"{error.code} {error.read().decode(errors='replace')[:300]}"
        except OSError as error:
            last = str(error)
        return False

    with progress.step("API ready"):
        if not process.wait_until(ready, READY_DEADLINE_S, 0.2):
            raise ScriptError(f"the API does not become ready: GET {api_url()}/ready says {last}")


def register_webhooks():
    """Tells the gateway where its news goes. Always: the URL changes with every deployment into a new emulator."""
    asked = {"url": f"{api_url()}/api/v1/webhooks/payments", "secret": config.secret("gateway_webhook_secret")}
    request = urllib.request.Request(f"{config.gateway_url()}/_local/webhooks", data=json.dumps(asked).encode(), method="PUT",
                                     headers={"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()
    except urllib.error.HTTPError as refused:
        said = refused.read().decode(errors="replace")[:300]
        raise ScriptError(f"the payment gateway takes no webhooks: {refused.code} {said}") from None
    except OSError as error:
        raise ScriptError(f"the payment gateway does not answer: {error} (scripts/service restart gateway, then scripts/up)") from None


def write_stack_env():
    """For any other program: lines of KEY=value."""
    env = config.aws_env()
    lines = {
        "API_URL": api_url(),
        **{name: env[name] for name in ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")},
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


def bring_up():
    """Build to stack.env, each step only where something changed."""
    build()
    deploy()
    # Always: an earlier run may have failed between the two, and twice changes nothing.
    migrate()
    make_keys()
    begun = services.begin(services.TRIGGER, fresh=True)
    services.await_ready(services.TRIGGER)
    if begun:
        progress.done("Kafka trigger polls")
    await_ready()
    register_webhooks()
    write_stack_env()
