"""The certificate authority of this clone, and the certificates that it issues to local services. OpenSSL makes them.

They lie in `.local/certificates`, outlive `scripts/down`, and are made again after `scripts/down --wipe`.
"""

import base64
import ssl
from pathlib import Path

import config
import process
from config import ScriptError

DIRECTORY = config.LOCAL / "certificates"
# Longer than any clone is used.
DAYS = 3650
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days", DAYS)
AUTHORITY = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign")
# A service may be a client of its own kind, as the controller of Kafka is.
SERVICE = (
    "basicConstraints=critical,CA:FALSE",
    "extendedKeyUsage=serverAuth,clientAuth",
    "subjectAltName=IP:127.0.0.1,DNS:localhost",
)


def authority() -> Path:
    """The certificate of the authority in PEM."""
    certificate = DIRECTORY / "authority.pem"
    if not certificate.exists():
        _make("authority", AUTHORITY)
    return certificate


def authority_in_base64() -> str:
    """The certificate of the authority as functions get it in a variable: DER in base64, in one line."""
    return base64.b64encode(ssl.PEM_cert_to_DER_cert(authority().read_text())).decode()


def service(name: str) -> tuple[Path, Path]:
    """Certificate and private key of a local service, in PEM."""
    certificate, key = DIRECTORY / f"{name}.pem", DIRECTORY / f"{name}.key"
    issuer = authority()
    if not certificate.exists():
        _make(name, SERVICE, "-CA", issuer, "-CAkey", DIRECTORY / "authority.key")
    return certificate, key


def trust() -> ssl.SSLContext:
    """The TLS context of a client that trusts this authority alone."""
    return ssl.create_default_context(cafile=str(authority()))


def _make(name: str, extensions: tuple[str, ...], *issuer: object) -> None:
    DIRECTORY.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft, key = DIRECTORY / f"{name}.new", DIRECTORY / f"{name}.key"
    added = [word for extension in extensions for word in ("-addext", extension)]
    request = ["openssl", "req", "-x509", *NEW_KEY, "-subj", f"/CN=Quayside local {name}", *added, *issuer]
    # Without a configuration file, whose extensions would come on top of these.
    made = process.run_as(None, [*request, "-config", "/dev/null", "-keyout", key, "-out", draft], config.clean_env())
    if made.returncode != 0:
        reason = (made.stderr.strip() or "no reason given").splitlines()[-1]
        raise ScriptError(f"the certificate of {name} cannot be made: {reason} (openssl 3 is required: scripts/setup)")
    key.chmod(0o600)
    draft.replace(DIRECTORY / f"{name}.pem")
