"""What stands between a runner and AWS: TLS by a private authority, and a proxy.

`python -m cloud.front DIRECTORY TARGET` serves both in front of TARGET (`127.0.0.1:PORT`), whatever host is asked for,
until stdin closes. It prints one JSON line with the ports, writes the authority's certificate to `ca.pem` and the head
of each request to the proxy to `proxy.log` in DIRECTORY.
"""

import asyncio
import datetime
import ipaddress
import json
import ssl
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NAMES = ["localhost", "aws.example.test", "*.aws.example.test"]


def certificates(directory: Path) -> ssl.SSLContext:
    """A server's TLS context; its certificate is signed by an authority of its own."""
    authority_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _name("Private Authority")
    ca = _certificate(authority, authority, authority_key, authority_key, is_ca=True)
    server = _certificate(_name("localhost"), authority, server_key, authority_key, is_ca=False)
    (directory / "ca.pem").write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    (directory / "server.pem").write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + server.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.pem")
    return context


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    *,
    is_ca: bool,
) -> x509.Certificate:
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if not is_ca:
        names: list[x509.GeneralName] = [x509.DNSName(name) for name in NAMES]
        names.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256())


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def _join(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: tuple[str, int], first: bytes
) -> None:
    back_reader, back_writer = await asyncio.open_connection(*address)
    back_writer.write(first)
    await asyncio.gather(_pipe(reader, back_writer), _pipe(back_reader, writer))


async def serve(directory: Path, target: tuple[str, int]) -> None:
    """Serve until stdin closes."""

    async def tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _join(reader, writer, target, b"")

    front = await asyncio.start_server(tls, "127.0.0.1", 0, ssl=certificates(directory))
    tls_address = front.sockets[0].getsockname()

    async def proxy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        with (directory / "proxy.log").open("ab") as log:
            log.write(head)
        method, url, version = head.split(b"\r\n", 1)[0].split(b" ")
        if method == b"CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await _join(reader, writer, tls_address, b"")
            return
        path = b"/" + url.split(b"/", 3)[3]
        await _join(reader, writer, target, head.replace(b" ".join([method, url, version]), b" ".join([method, path, version]), 1))

    proxy_server = await asyncio.start_server(proxy, "127.0.0.1", 0)
    (directory / "proxy.log").touch()
    ports = {"tls": tls_address[1], "proxy": proxy_server.sockets[0].getsockname()[1]}
    print(json.dumps(ports), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    host, _, port = sys.argv[2].rpartition(":")
    asyncio.run(serve(Path(sys.argv[1]), (host, int(port))))
