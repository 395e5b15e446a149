"""The few calls of AWS that the scripts need, signed with the standard library alone."""

import base64
import datetime
import hashlib
import hmac
import json
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree as xml

import config
from config import ScriptError


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def _call(service, method, path, body=b"", headers=None, timeout_s=30, query=None):
    """One request with AWS's signature, version 4. Status, headers and body, whatever the status."""
    env = config.aws_env()
    asked = "&".join(f"{n}={urllib.parse.quote(v, safe='')}" for n, v in sorted((query or {}).items()))
    url = env["AWS_ENDPOINT_URL"] + urllib.parse.quote(path) + (f"?{asked}" if asked else "")
    now = datetime.datetime.now(datetime.timezone.utc)
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    payload = hashlib.sha256(body).hexdigest()
    signed = {
        **{name.lower(): value for name, value in (headers or {}).items()},
        "host": urllib.parse.urlsplit(url).netloc, "x-amz-date": stamp, "x-amz-content-sha256": payload,
    }
    names = ";".join(sorted(signed))
    lines = [f"{name}:{signed[name]}" for name in sorted(signed)]
    canonical = "\n".join([method, urllib.parse.quote(path), asked, *lines, "", names, payload])
    scope = f"{day}/{env['AWS_REGION']}/{service}/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{env['AWS_SECRET_ACCESS_KEY']}".encode()
    for word in (day, env["AWS_REGION"], service, "aws4_request"):
        key = _hmac(key, word)
    signed["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={env['AWS_ACCESS_KEY_ID']}/{scope}, SignedHeaders={names}, "
        f"Signature={_hmac(key, to_sign).hex()}"
    )
    request = urllib.request.Request(url, data=body, method=method, headers=signed)
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()
    except OSError as error:
        raise ScriptError(f"the AWS emulator does not answer: {error} (scripts/service restart aws, then scripts/up)") from None


def stack():
    """Status and outputs of the stack, or None when there is none."""
    query = urllib.parse.urlencode({"Action": "DescribeStacks", "Version": "2010-05-15", "StackName": config.STACK_NAME})
    status, _, body = _call("cloudformation", "POST", "/", query.encode(),
                            {"Content-Type": "application/x-www-form-urlencoded"})
    if status != 200:
        return None
    tree = xml.fromstring(body)
    outputs = {m.findtext("{*}OutputKey"): m.findtext("{*}OutputValue") for m in tree.iterfind(".//{*}Outputs/{*}member")}
    return {"status": tree.findtext(".//{*}StackStatus"), "outputs": outputs}


def push_application():
    """ARN of the platform application that devices are entered with; made where it is not there."""
    asked = urllib.parse.urlencode({
        "Action": "CreatePlatformApplication", "Version": "2010-03-31", "Name": config.STACK_NAME, "Platform": "GCM",
        "Attributes.entry.1.key": "PlatformCredential", "Attributes.entry.1.value": "none",
    })
    status, _, body = _call("sns", "POST", "/", asked.encode(), {"Content-Type": "application/x-www-form-urlencoded"})
    if status != 200:
        raise ScriptError(f"SNS makes no platform application: {status} {body.decode(errors='replace')[:200]}")
    return xml.fromstring(body).findtext(".//{*}PlatformApplicationArn")


def invoke(function, payload, timeout_s=330):
    """Invokes one of our functions by its catalog name; its answer. ScriptError, with the end of its log, when it fails."""
    name = f"quayside-{config.STAGE}-{function}"
    status, headers, body = _call(
        "lambda", "POST", f"/2015-03-31/functions/{name}/invocations", json.dumps(payload).encode(),
        {"Content-Type": "application/json", "X-Amz-Log-Type": "Tail"}, timeout_s,
    )
    headers = {key.lower(): value for key, value in headers.items()}
    if status != 200 or "x-amz-function-error" in headers:
        log = base64.b64decode(headers.get("x-amz-log-result", "")).decode(errors="replace").strip()
        raise ScriptError(f"function {function} failed with {status}: {body.decode(errors='replace')[:400]}"
                      + (f"\n{log}" if log else ""))
    return json.loads(body or b"null")


def _configuration(function):
    return f"/2015-03-31/functions/quayside-{config.STAGE}-{function}/configuration"


def variables(function):
    """A deployed function's environment variables."""
    status, _, body = _call("lambda", "GET", _configuration(function))
    if status != 200:
        raise ScriptError(f"function {function} is not deployed: run scripts/up")
    return json.loads(body).get("Environment", {}).get("Variables", {})


def configure(function, changes):
    """Changes some of a deployed function's variables; None as a value takes one away."""
    kept = {name: value for name, value in {**variables(function), **changes}.items() if value is not None}
    status, _, body = _call("lambda", "PUT", _configuration(function), json.dumps({"Environment": {"Variables": kept}}).encode(),
                            {"Content-Type": "application/json"})
    if status != 200:
        raise ScriptError(f"function {function} would not be configured: {body.decode(errors='replace')[:200]}")


def list_objects(bucket, prefix=""):
    """Keys of a bucket under a prefix."""
    keys, more = [], {}
    while True:
        status, _, body = _call("s3", "GET", f"/{bucket}", query={"list-type": "2", "prefix": prefix, **more})
        if status != 200:
            raise ScriptError(f"bucket {bucket} cannot be listed: {status} {body.decode(errors='replace')[:200]}")
        page = xml.fromstring(body)
        keys += [key.text for key in page.iterfind(".//{*}Contents/{*}Key")]
        token = page.findtext("{*}NextContinuationToken")
        if not token:
            return keys
        more = {"continuation-token": token}


def get_object(bucket, key):
    status, _, body = _call("s3", "GET", f"/{bucket}/{key}")
    if status != 200:
        raise ScriptError(f"object {key} of bucket {bucket} cannot be read: {status}")
    return body


# ---- queues ---------------------------------------------------------------------------------------------------


def _sqs(action, asked):
    status, _, body = _call("sqs", "POST", "/", json.dumps(asked).encode(), {
        "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"AmazonSQS.{action}"})
    if status != 200:
        raise ScriptError(f"SQS refuses {action}: {status} {body.decode(errors='replace')[:200]}")
    return json.loads(body or b"{}")


def queues():
    """URLs of the stack's queues, by their names without its prefix."""
    prefix = f"quayside-{config.STAGE}-"
    urls = _sqs("ListQueues", {"QueueNamePrefix": prefix, "MaxResults": 1000}).get("QueueUrls", [])
    return {url.rsplit("/", 1)[1].removeprefix(prefix): url for url in urls}


def messages(url):
    """How many messages a queue holds: visible, in flight and put off together."""
    counted = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed")
    found = _sqs("GetQueueAttributes", {"QueueUrl": url, "AttributeNames": list(counted)}).get("Attributes", {})
    return sum(int(found.get(name, 0)) for name in counted)


def letters(url, hidden_s=30):
    """What lies in a dead-letter queue, left there: each letter is hidden for some seconds while the rest is read."""
    found = {}
    while True:
        page = _sqs("ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10, "VisibilityTimeout": hidden_s,
                                       "MessageAttributeNames": ["All"], "AttributeNames": ["All"]}).get("Messages", [])
        fresh = [one for one in page if one["MessageId"] not in found]
        if not fresh:
            return list(found.values())
        found.update((one["MessageId"], one) for one in fresh)
