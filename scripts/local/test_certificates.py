"""The certificates of the local services, and Kafka's settings with them."""

import socket
import ssl
import stat
import tempfile
import threading
import unittest
from pathlib import Path
from unittest import mock

import certificates
import config
import kafka_broker


class Certificates(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.use(Path(directory.name) / "one")
        self.other = Path(directory.name) / "other"

    def use(self, directory: Path) -> None:
        patch = mock.patch.object(certificates, "DIRECTORY", directory)
        patch.start()
        self.addCleanup(patch.stop)

    def handshake(self, client: ssl.SSLContext, name: str) -> None:
        """Connects to a server that has the certificate of a local service."""
        certificate, key = certificates.service("kafka")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        ours, theirs = socket.socketpair()

        def serve() -> None:
            try:
                context.wrap_socket(theirs, server_side=True).close()
            except OSError:
                theirs.close()

        server = threading.Thread(target=serve)
        server.start()
        try:
            client.wrap_socket(ours, server_hostname=name).close()
        finally:
            ours.close()
            server.join()

    def test_client_that_trusts_the_authority_connects_by_address_and_by_name(self) -> None:
        for name in ("127.0.0.1", "localhost"):
            self.handshake(certificates.trust(), name)

    def test_other_names_and_other_authorities_are_refused(self) -> None:
        ours = certificates.trust()
        with self.assertRaisesRegex(ssl.SSLCertVerificationError, "mismatch"):
            self.handshake(ours, "kafka.example.com")
        self.use(self.other)
        with self.assertRaisesRegex(ssl.SSLCertVerificationError, "verify failed"):
            self.handshake(ours, "localhost")

    def test_certificates_are_made_once_and_keys_are_private(self) -> None:
        certificate, key = certificates.service("kafka")
        first = certificate.read_text()
        self.assertEqual(certificates.service("kafka")[0].read_text(), first)
        self.assertEqual(stat.S_IMODE(key.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(certificates.DIRECTORY.stat().st_mode), 0o700)

    def test_authority_is_one_line_of_base64(self) -> None:
        text = certificates.authority_in_base64()
        self.assertRegex(text, "^[A-Za-z0-9+/]+=*$")

    def test_kafka_has_no_listener_without_tls(self) -> None:
        with mock.patch.object(config, "port", lambda _: 1), mock.patch.object(config, "secret", lambda _: "secret"):
            properties = kafka_broker._properties("keystore.pem")
        protocols = dict(pair.split(":") for pair in str(properties["listener.security.protocol.map"]).split(","))
        self.assertEqual(protocols, {"CLIENTS": "SASL_SSL", "CONTROLLER": "SSL"})
        self.assertEqual(properties["listener.name.controller.ssl.client.auth"], "required")
        self.assertEqual(properties["sasl.enabled.mechanisms"], "SCRAM-SHA-512")


if __name__ == "__main__":
    unittest.main()
