"""The verifier agrees with botocore's signer, and refuses whatever was changed on the way."""

import base64
import hashlib
import hmac
import time
import unittest
import zlib
from datetime import datetime, timezone
from urllib.parse import urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from cloud.http import Request
from fidelity import hosts, signatures
from fidelity.signatures import Refused, Scope

S3 = Scope("eu-central-1", "s3")
KNOWN = {"AKIAEXAMPLE": signatures.Credentials("secret", "token")}
KEYS = ("a b", "a+b", "a%2Bb", "~'!*()", "ü/日本", "a//b", "new\nline", "a;b", "x/../y", "%", "&=?#")
EMPTY = hashlib.sha256(b"").hexdigest()


def signed(method, url, body=b"", scope=S3, payload=None, **headers):
    """A request as botocore signs and sends it."""
    request = AWSRequest(method, url, {name.replace("_", "-"): value for name, value in headers.items()}, body)
    maker = S3SigV4Auth if scope.service == "s3" else SigV4Auth
    auth = maker(Credentials("AKIAEXAMPLE", "secret", "token"), scope.service, scope.region)
    if payload is not None:
        request.headers["X-Amz-Content-SHA256"] = payload
        auth.payload = lambda _: payload
    auth.add_auth(request)
    parts = urlsplit(url)
    sent = {name.lower(): value if isinstance(value, str) else value.decode() for name, value in request.headers.items()}
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    return Request(method, target, {"host": parts.hostname} | sent, body)


def url_of(key, query=""):
    return f"https://my-site.s3.eu-central-1.amazonaws.com/{signatures.quote_from_bytes(key.encode(), safe='/-_.~')}{query}"


class Agreement(unittest.TestCase):
    """What botocore signs is good."""

    def test_keys_and_queries(self):
        for key in KEYS:
            with self.subTest(key):
                self.assertEqual(signatures.verify(signed("PUT", url_of(key), b"x"), S3, KNOWN), "hash")
        query = "?list-type=2&prefix=a%20b%2B~&delimiter=%2F&x-id=List&acl"
        self.assertEqual(signatures.verify(signed("GET", url_of("", query)), S3, KNOWN), "hash")

    def test_other_services(self):
        for service, region, url in (
            ("sts", "eu-central-1", "https://sts.eu-central-1.amazonaws.com/"),
            ("cloudfront", "us-east-1", "https://cloudfront.amazonaws.com/2020-05-31/distribution/E%2B1/invalidation"),
        ):
            scope = Scope(region, service)
            request = signed("POST", url, b"Action=X", scope, content_type="text/plain")
            self.assertEqual(signatures.verify(request, scope, KNOWN), "hash")

    def test_the_example_of_the_documentation(self):
        """https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "Example: GET Object"."""
        headers = {
            "host": "examplebucket.s3.amazonaws.com", "range": "bytes=0-9", "x-amz-content-sha256": EMPTY,
            "x-amz-date": "20130524T000000Z",
            "authorization": "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        }  # fmt: skip
        known = {"AKIAIOSFODNN7EXAMPLE": signatures.Credentials("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")}
        now = datetime(2013, 5, 24, tzinfo=timezone.utc).timestamp()
        request = Request("GET", "/test.txt", headers)
        self.assertEqual(signatures.verify(request, Scope("us-east-1", "s3"), known, now), "hash")


class Refusals(unittest.TestCase):
    """What was changed is refused."""

    def refused(self, request, code, scope=S3, now=None):
        with self.assertRaises(Refused) as caught:
            signatures.verify(request, scope, KNOWN, now)
        self.assertEqual(caught.exception.code, code, caught.exception)

    def test_each_part_that_is_changed(self):
        def request():
            return signed("PUT", url_of("a+b", "?x-id=PutObject"), b"x", content_type="text/html", x_amz_acl="private")

        signatures.verify(request(), S3, KNOWN)
        for name, value in (
            ("method", "POST"), ("raw_path", "/a%2Bc"), ("raw_path", "/a+b"), ("query", "x-id=Other"), ("query", "x-id=PutObject&more"),
        ):  # fmt: skip
            with self.subTest(name, value=value):
                changed = request()
                setattr(changed, name, value)
                self.refused(changed, "SignatureDoesNotMatch")
        for name, value, code in (
            ("host", "other.s3.eu-central-1.amazonaws.com", "SignatureDoesNotMatch"),
            ("content-type", "text/plain", "SignatureDoesNotMatch"),
            ("x-amz-acl", "public-read", "SignatureDoesNotMatch"),
            ("x-amz-meta-more", "x", "AccessDenied"),
            ("content-md5", "x", "AccessDenied"),
            ("x-amz-content-sha256", "UNSIGNED-PAYLOAD", "SignatureDoesNotMatch"),
            ("x-amz-security-token", "other", "InvalidToken"),
            ("authorization", "AWS4-HMAC-SHA256 nothing", "AuthorizationHeaderMalformed"),
        ):
            with self.subTest(name):
                changed = request()
                changed.headers[name] = value
                self.refused(changed, code)
        for name, code in (
            ("authorization", "MissingAuthenticationToken"),
            ("x-amz-acl", "SignatureDoesNotMatch"),
            ("x-amz-content-sha256", "SignatureDoesNotMatch"),
            ("x-amz-date", "AccessDenied"),
        ):
            with self.subTest("without", name=name):
                changed = request()
                del changed.headers[name]
                self.refused(changed, code)
        changed = request()
        changed.body = b"y"
        self.refused(changed, "XAmzContentSHA256Mismatch")

    def test_time_and_scope(self):
        request = signed("GET", url_of("x"))
        self.refused(request, "RequestTimeTooSkewed", now=time.time() + 1000)
        self.refused(request, "AuthorizationHeaderMalformed", Scope("eu-west-1", "s3"))
        self.refused(request, "AuthorizationHeaderMalformed", Scope("eu-central-1", "sts"))

    def test_a_digit_of_the_signature(self):
        request = signed("GET", url_of("x"))
        authorization = request.headers["authorization"]
        request.headers["authorization"] = authorization[:-1] + ("0" if authorization[-1] != "0" else "1")
        self.refused(request, "SignatureDoesNotMatch")


class Chunks(unittest.TestCase):
    """Bodies in chunks, signed ones and such with a trailer."""

    def chunked(self, form, body=b"hello", crc=None):
        trailer = form.endswith("-TRAILER")
        checksum = base64.b64encode(zlib.crc32(body if crc is None else crc).to_bytes(4, "big")).decode()
        headers = {"content_encoding": "aws-chunked", "x_amz_decoded_content_length": str(len(body))}
        if trailer:
            headers["x_amz_trailer"] = "x-amz-checksum-crc32"
        request = signed("PUT", url_of("x"), b"", payload=form, **headers)
        date = request.headers["x-amz-date"]
        scope = f"{date[:8]}/eu-central-1/s3/aws4_request"
        key = signatures._signing_key("secret", scope)
        previous = request.headers["authorization"].rpartition("=")[2]
        out = b""
        for data in (body[:3], body[3:], b""):
            head = f"{len(data):x}"
            if form.startswith("STREAMING-AWS4"):
                text = "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", date, scope, previous, EMPTY, hashlib.sha256(data).hexdigest()])
                previous = hmac.digest(key, text.encode(), "sha256").hex()
                head += f";chunk-signature={previous}"
            out += head.encode() + b"\r\n" + data + (b"\r\n" if data or not trailer else b"")
        if trailer:
            out += f"x-amz-checksum-crc32:{checksum}\r\n".encode()
            if form.startswith("STREAMING-AWS4"):
                line = hashlib.sha256(f"x-amz-checksum-crc32:{checksum}\n".encode()).hexdigest()
                text = "\n".join(["AWS4-HMAC-SHA256-TRAILER", date, scope, previous, line])
                out += f"x-amz-trailer-signature:{hmac.digest(key, text.encode(), 'sha256').hex()}\r\n".encode()
            out += b"\r\n"
        request.body = out
        return request

    def test_every_form_and_what_breaks_it(self):
        for form in signatures.chunks.FORMS:
            with self.subTest(form):
                self.assertEqual(signatures.verify(self.chunked(form), S3, KNOWN), form)
                for old, new in ((b"hel", b"hex"), (b"\r\nlo", b"\r\nxo"), (b"\r\n2", b"\r\n1")):
                    changed = self.chunked(form)
                    self.assertIn(old, changed.body)
                    changed.body = changed.body.replace(old, new, 1)
                    with self.assertRaises((Refused, ValueError)):
                        signatures.verify(changed, S3, KNOWN)
                if form.endswith("-TRAILER"):
                    with self.assertRaises(Refused):
                        signatures.verify(self.chunked(form, crc=b"other"), S3, KNOWN)


class Hosts(unittest.TestCase):
    """What a host name is for, and whether AWS's certificate covers it."""

    def test_names(self):
        for name, service, region, bucket in (
            ("s3.eu-central-1.amazonaws.com", "s3", "eu-central-1", ""),
            ("my-site.s3.eu-central-1.amazonaws.com", "s3", "eu-central-1", "my-site"),
            ("my.site.s3.eu-central-1.amazonaws.com", "s3", "eu-central-1", "my.site"),
            ("b.s3.dualstack.us-east-1.amazonaws.com", "s3", "us-east-1", "b"),
            ("b.s3-fips.us-gov-west-1.amazonaws.com", "s3", "us-gov-west-1", "b"),
            ("b.s3.cn-north-1.amazonaws.com.cn", "s3", "cn-north-1", "b"),
            ("123456789012.s3-control.eu-west-1.amazonaws.com", "s3", "eu-west-1", ""),
            ("cloudfront.amazonaws.com", "cloudfront", "us-east-1", ""),
            ("cloudfront.cn-northwest-1.amazonaws.com.cn", "cloudfront", "cn-northwest-1", ""),
            ("sts.eu-west-1.amazonaws.com", "sts", "eu-west-1", ""),
            ("elasticbeanstalk.us-gov-west-1.amazonaws.com", "elasticbeanstalk", "us-gov-west-1", ""),
        ):
            with self.subTest(name):
                host = hosts.find(name)
                self.assertIsNotNone(host)
                self.assertEqual((host.scope, host.bucket), (Scope(region, service), bucket))
        for name in ("s3.mars-1.amazonaws.com", "x.sts.eu-west-1.amazonaws.com", "example.com", "999.s3-control.eu-west-1.amazonaws.com"):
            self.assertIsNone(hosts.find(name), name)

    def test_a_dotted_bucket_has_no_certificate(self):
        for name, covered in (
            ("s3.eu-central-1.amazonaws.com", True),
            ("my-site.s3.eu-central-1.amazonaws.com", True),
            ("www.example.com.s3.eu-central-1.amazonaws.com", False),
        ):
            self.assertEqual(hosts.covers(hosts.find(name).certificate, name), covered, name)
