"""Faults: each kind as a client meets it, and what has happened behind its back."""

import http.client
import socket
import time
import unittest
import urllib.error
import urllib.request
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.parsers import ResponseParserError

from cloud.tests.support import CloudTestCase


class Faults(CloudTestCase):
    """Ordered faults."""

    def setUp(self) -> None:
        super().setUp()
        self.control("POST", "s3/bucket", {"bucket": "bkt"})
        self.s3 = self.client("s3")

    def order(self, **fault: Any) -> None:
        """Order a fault of PutObject."""
        self.control("POST", "faults", {"service": "s3", "operation": "PutObject"} | fault)

    def put(self, key: str = "a") -> Any:
        """Put an object."""
        return self.s3.put_object(Bucket="bkt", Key=key, Body=b"x")

    def connect(self, timeout: float) -> http.client.HTTPConnection:
        """A connection that waits for so many seconds."""
        connection = http.client.HTTPConnection(self.cloud["endpoint"].removeprefix("http://"), timeout=timeout)
        self.addCleanup(connection.close)
        return connection

    def stored(self) -> list[str]:
        """The keys in the bucket."""
        return [each["key"] for each in self.control("GET", "s3/objects?bucket=bkt")]

    def test_error_strikes_as_often_as_ordered(self) -> None:
        self.order(kind="error", status=503, code="SlowDown", message="Please reduce your request rate.", skip=1)
        self.put()
        with self.assertRaisesRegex(ClientError, r"\(SlowDown\).*Please reduce your request rate."):
            self.put()
        self.put()
        self.assertEqual([each["status"] for each in self.requests()], [200, 503, 200])

    def test_fault_strikes_what_it_matches(self) -> None:
        self.order(kind="error", match="/bkt/bad", times=-1)
        self.put("good")
        for _ in range(2):
            with self.assertRaises(ClientError):
                self.put("bad")
        self.control("DELETE", "faults")
        self.put("bad")

    def test_dropped_connection_before_and_after(self) -> None:
        self.order(kind="drop")
        with self.assertRaises(ConnectionClosedError):
            self.put("before")
        self.order(kind="drop", when="after")
        with self.assertRaises(ConnectionClosedError):
            self.put("after")
        self.assertEqual(self.stored(), ["after"])
        self.assertEqual([(each["status"], each["fault"]) for each in self.requests()], [(0, "drop"), (0, "drop")])

    def test_delay(self) -> None:
        self.order(kind="delay", seconds=0.3)
        started = time.monotonic()
        self.put()
        self.assertGreaterEqual(time.monotonic() - started, 0.3)

    def test_truncated_answer(self) -> None:
        self.control("POST", "faults", {"operation": "ListObjectsV2", "kind": "truncate"})
        with self.assertRaises(http.client.IncompleteRead):
            urllib.request.urlopen(f"{self.cloud['endpoint']}/bkt?list-type=2").read()

    def test_errors_are_worded_for_the_service(self) -> None:
        self.control("POST", "faults", {"kind": "error", "status": 400, "code": "Throttling", "message": "Rate exceeded"})
        with self.assertRaisesRegex(ClientError, r"\(Throttling\).*Rate exceeded"):
            self.client("elasticbeanstalk").describe_events()

    def test_known_codes_need_no_more_words(self) -> None:
        for code, status, message in (
            ("SlowDown", 503, "Please reduce your request rate."),
            ("InternalError", 500, "We encountered an internal error. Please try again."),
            ("AccessDenied", 403, "Access Denied"),
        ):
            self.order(kind="error", code=code)
            with self.assertRaises(ClientError) as raised:
                self.put()
            answer = raised.exception.response
            self.assertEqual(
                (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]),
                (status, code, message),
            )

    def test_error_after_the_effect(self) -> None:
        self.order(kind="error", when="after", code="InternalError")
        with self.assertRaisesRegex(ClientError, "InternalError"):
            self.put()
        self.assertEqual(self.stored(), ["a"])

    def test_delay_longer_than_the_client_waits(self) -> None:
        for when, stored in (("before", []), ("after", ["a"])):
            self.control("POST", "faults", {"kind": "delay", "seconds": 30, "when": when, "operation": "PutObject"})
            connection = self.connect(0.3)
            connection.request("PUT", "/bkt/a", b"x")
            with self.assertRaises(TimeoutError):
                connection.getresponse()
            self.assertEqual(self.stored(), stored)

    def test_truncated_answer_without_a_body_breaks_off_in_its_head(self) -> None:
        self.order(kind="truncate")
        with socket.create_connection(("127.0.0.1", int(self.cloud["endpoint"].rpartition(":")[2]))) as connection:
            connection.sendall(b"PUT /bkt/a HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\nx")
            answer = b""
            while part := connection.recv(65536):
                answer += part
        self.assertTrue(answer.startswith(b"HTTP/1.1 200"))
        self.assertNotIn(b"\r\n\r\n", answer)
        self.assertEqual(self.stored(), ["a"])

    def test_trickle(self) -> None:
        self.control("POST", "faults", {"operation": "ListObjectsV2", "kind": "trickle"})
        with urllib.request.urlopen(f"{self.cloud['endpoint']}/bkt?list-type=2") as response:
            started = time.monotonic()
            self.assertEqual(response.read(3), b"<?x")
        self.assertGreaterEqual(time.monotonic() - started, 1.4)

    def test_trickle_of_an_answer_without_a_body(self) -> None:
        self.order(kind="trickle", bytes_per_second=100)
        connection = self.connect(30)
        started = time.monotonic()
        connection.request("PUT", "/bkt/a", b"x")
        self.assertEqual(connection.getresponse().status, 200)
        self.assertGreaterEqual(time.monotonic() - started, 1.5)

    def test_foreign_body(self) -> None:
        self.order(kind="foreign")
        answer = self.put("page")
        self.assertNotIn("ETag", answer)
        self.assertNotIn("x-amz-request-id", answer["ResponseMetadata"]["HTTPHeaders"])
        self.assertEqual(self.stored(), [])
        self.order(kind="foreign", when="after", body="", content_type="text/plain", status=202)
        self.put("nothing")
        self.assertEqual(self.stored(), ["nothing"])
        self.control("POST", "faults", {"operation": "ListObjectsV2", "kind": "foreign"})
        self.assertNotIn("Contents", self.s3.list_objects_v2(Bucket="bkt"))

    def test_malformed_answer(self) -> None:
        self.control("POST", "faults", {"kind": "malformed", "times": 3})
        with self.assertRaisesRegex(ClientError, "500"):  # what botocore makes of a body that breaks off
            self.s3.list_objects_v2(Bucket="bkt")
        with self.assertRaises(ResponseParserError):
            self.client("elasticbeanstalk").describe_events()
        status, body = self.get("/_github/repos/o/r/deployments", {"Authorization": "Bearer token"})
        self.assertEqual((status, body), (200, "["))

    def test_upload_without_an_etag(self) -> None:
        self.order(kind="strip")
        self.assertNotIn("ETag", self.put())
        self.assertIn("ETag", self.put())

    def test_single_keys_of_a_deletion_fail(self) -> None:
        for key in ("a", "b", "logs/1"):
            self.put(key)
        self.control("POST", "faults", {"kind": "keys", "keys": ["b", "logs/*"], "times": 2})
        objects = [{"Key": key} for key in ("a", "b", "logs/1")]
        answer = self.s3.delete_objects(Bucket="bkt", Delete={"Objects": objects})
        self.assertEqual([each["Key"] for each in answer["Deleted"]], ["a"])
        message = "We encountered an internal error. Please try again."
        self.assertEqual(
            answer["Errors"], [{"Key": key, "Code": "InternalError", "Message": message} for key in ("b", "logs/1")]
        )
        self.s3.delete_objects(Bucket="bkt", Delete={"Objects": objects[:1]})
        self.control("POST", "faults", {"kind": "keys", "code": "SlowDown"})
        self.assertEqual(len(self.s3.delete_objects(Bucket="bkt", Delete={"Objects": objects[1:]})["Errors"]), 2)
        answer = self.s3.delete_objects(Bucket="bkt", Delete={"Objects": objects[2:], "Quiet": True})
        self.assertEqual(answer["Errors"][0]["Code"], "SlowDown")
        self.assertEqual(self.stored(), ["b", "logs/1"])
        self.assertNotIn("Errors", self.s3.delete_objects(Bucket="bkt", Delete={"Objects": objects[1:]}))
        self.assertEqual(self.stored(), [])

    def test_listing_that_does_not_advance(self) -> None:
        self.put()
        self.order(kind="stuck", operation="ListObjectsV2", times=-1)
        first = self.s3.list_objects_v2(Bucket="bkt")
        again = self.s3.list_objects_v2(Bucket="bkt", ContinuationToken=first["NextContinuationToken"])
        self.assertTrue(first["IsTruncated"] and again["IsTruncated"])
        self.assertEqual(again["Contents"], first["Contents"])

    def test_every_request_can_be_struck(self) -> None:
        self.control("POST", "faults", {"kind": "error", "code": "Throttling", "skip": 2})
        self.put()
        self.client("cloudfront").list_distributions()
        with self.assertRaisesRegex(ClientError, r"\(Throttling\).*Rate exceeded"):
            self.client("sts").get_caller_identity()
        self.assertEqual([each["fault"] for each in self.requests()], ["", "", "error"])

    def test_unknown_kind_is_refused(self) -> None:
        for fault in ({"kind": "nope"}, {"kind": "drop", "when": "never"}):
            with self.assertRaises(urllib.error.HTTPError):
                self.order(**fault)


if __name__ == "__main__":
    unittest.main()
