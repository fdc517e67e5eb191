"""AWS under its own host names: a proxy that ends TLS as AWS would, verifies each signature, and asks the local cloud.

It answers `CONNECT` for hosts that AWS has, with a certificate that covers what AWS's covers; any other name is not
found. The local cloud runs in the same process, and is reached past the proxy for set-up and for GitHub.
"""

import contextlib
import datetime
import re
import socket
import ssl
import tempfile
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cloud.app import Cloud
from cloud.aws import sigv4
from cloud.aws.call import Call, identify
from cloud.aws.errors import AwsError, render
from cloud.http import Dropped, Request, Response
from cloud.server import Malformed, Server, read_request, send
from fidelity import hosts, signatures

KEY_ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
_CONNECT = re.compile(r"CONNECT ([^\s:]+):443 HTTP/1\.1\r?\n")


@dataclass
class Seen:
    """What came through."""

    asked: dict[str, int] = field(default_factory=dict)
    """How many requests each host got."""
    payloads: set[tuple[str, str]] = field(default_factory=set)
    """The operations, with how their payload was covered."""
    paths: set[str] = field(default_factory=set)
    """The paths as they were sent."""
    refused: list[str] = field(default_factory=list)
    """Requests that AWS would have refused for their signature, and why."""
    unknown: list[str] = field(default_factory=list)
    """Hosts that AWS does not have."""


class Proxy:
    """The proxy and the cloud behind it."""

    def __init__(self, directory: Path) -> None:
        # Made before anybody waits for an answer: it takes a second or more.
        hosts.all_hosts()
        self._authority = Authority()
        self.ca = directory / "ca.pem"
        self.ca.write_bytes(self._authority.certificate)
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()
        self.server = Server(self._make)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.forget()

    def _make(self, endpoint: str) -> Cloud:
        self._cloud = Cloud(endpoint)
        return self._cloud

    def forget(self) -> None:
        """Forget what was seen, and every session."""
        self.seen = Seen()
        self.known = {KEY_ID: signatures.Credentials(SECRET)}

    @contextlib.contextmanager
    def running(self) -> Iterator["Proxy"]:
        """Serve until the end of the block."""
        for work in (self.server.serve, self._serve):
            threading.Thread(target=work, daemon=True).start()
        try:
            yield self
        finally:
            self.server.stop()
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._tunnel, args=(connection,), daemon=True).start()

    def _tunnel(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, Dropped, Malformed):
            asked = _CONNECT.match(_head(connection))
            host = hosts.find(asked[1]) if asked else None
            if asked is None or host is None:
                self.seen.unknown.append(asked[1] if asked else "not a CONNECT")
                connection.sendall(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n")
                return
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with self._context(host).wrap_socket(connection, server_side=True) as secure:
                self._talk(secure, asked[1], host)

    def _talk(self, secure: ssl.SSLSocket, name: str, host: hosts.Host) -> None:
        with secure.makefile("rb", buffering=65536) as reader:
            while request := read_request(reader, secure):
                send(secure, self._answer(request, name, host), request.method)

    def _context(self, host: hosts.Host) -> ssl.SSLContext:
        with self._lock:
            if host.name not in self._contexts:
                self._contexts[host.name] = self._authority.context(host.certificate)
            return self._contexts[host.name]

    def _answer(self, request: Request, name: str, host: hosts.Host) -> Response:
        call = _call(request, host)
        self.seen.asked[name] = self.seen.asked.get(name, 0) + 1
        self.seen.paths.add(request.raw_path)
        try:
            if request.headers.get("host") != name:
                raise signatures.Refused("InvalidRequest", f"host is {request.headers.get('host')}")
            # The one call that is not signed: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
            if call.operation != "AssumeRoleWithWebIdentity":
                self.seen.payloads.add((call.operation, signatures.verify(request, host.scope, self.known)))
                self._sign_again(request, host)
        except signatures.Refused as refused:
            self.seen.refused.append(f"{request.method} {name}{request.target}: {refused}")
            return render(AwsError(403, refused.code, refused.message), call, str(uuid.uuid4()))
        response = self._cloud.handle(request)
        if call.operation.startswith("AssumeRole") and response.status == 200:
            self._learn(response.body)
        return response

    def _sign_again(self, request: Request, host: hosts.Host) -> None:
        """The cloud knows one address, with the bucket in the path: sign what it gets with the same key."""
        key = re.search(r"Credential=([^/]+)/", request.headers["authorization"])
        assert key
        if host.bucket:
            request.target = f"/{host.bucket}{request.target}"
            request.__post_init__()
        request.headers["host"] = self.server.endpoint.removeprefix("http://")
        signature = sigv4.signature(request, self.known[key[1]].secret)
        request.headers["authorization"] = re.sub("Signature=.*", f"Signature={signature}", request.headers["authorization"])

    def _learn(self, body: bytes) -> None:
        texts = {element.tag.rpartition("}")[2]: element.text or "" for element in ElementTree.fromstring(body).iter()}
        self.known[texts["AccessKeyId"]] = signatures.Credentials(texts["SecretAccessKey"], texts["SessionToken"])


def _call(request: Request, host: hosts.Host) -> Call:
    target = f"/{host.bucket}{request.target}" if host.bucket else request.target
    return identify(Request(request.method, target, request.headers, request.body))


def _head(connection: socket.socket) -> str:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        if not (more := connection.recv(1)):
            break
        head += more
    return head.decode("latin-1")


class Authority:
    """A private authority."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named("Private Authority")
        self.certificate = self._issue(self._name, self._key, x509.BasicConstraints(ca=True, path_length=None))

    def context(self, names: list[str]) -> ssl.SSLContext:
        """A server's TLS context with a certificate for these names."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        certificate = self._issue(_named("AWS"), key, x509.BasicConstraints(ca=False, path_length=None), alternatives)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with _file(private + certificate) as path:
            context.load_cert_chain(path)
        return context

    def _issue(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *extensions: x509.ExtensionType) -> bytes:
        now = datetime.datetime.now(datetime.timezone.utc)
        day = datetime.timedelta(days=1)
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self._name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now - day).not_valid_after(now + day)
        for extension in extensions:
            builder = builder.add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _named(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


@contextlib.contextmanager
def _file(content: bytes) -> Iterator[str]:
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        yield file.name
