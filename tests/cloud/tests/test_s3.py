"""S3 as moto serves it with the mends, asked by boto3 and the aws CLI."""

import base64
import hashlib
import unittest
import urllib.request
from typing import Any

from botocore.exceptions import ClientError

from cloud.tests.support import CloudTestCase


class S3TestCase(CloudTestCase):
    """A test with the versioned bucket `site` in us-east-1 that takes ACLs."""

    def setUp(self) -> None:
        super().setUp()
        self.bucket()
        self.s3 = self.client("s3")

    def bucket(self, **settings: Any) -> None:
        """Create or change the bucket."""
        body = {"bucket": "site", "versioning": "Enabled", "ownership": "ObjectWriter", "block_public_access": False}
        self.control("POST", "s3/bucket", body | settings)

    def put(self, key: str, body: bytes = b"hi", **more: Any) -> Any:
        """Put an object."""
        return self.s3.put_object(Bucket="site", Key=key, Body=body, **more)

    def assert_refused(self, code: str, message: str, call: Any, **arguments: Any) -> Any:
        """The call fails with this code, and a message that holds this; gives the answer."""
        with self.assertRaises(ClientError) as raised:
            call(**arguments)
        error = raised.exception.response["Error"]
        self.assertEqual(error["Code"], code)
        self.assertIn(message, error["Message"])
        return raised.exception.response


class Listings(S3TestCase):
    """Keys and versions."""

    def test_any_key_can_be_stored_and_listed(self) -> None:
        keys = ["a\nb", "c\rd", "e f+g", "h~i", "ü/ß", "x&<y>", "a;b"]
        for key in keys:
            self.put(key)
        found = [each["Key"] for each in self.s3.list_objects_v2(Bucket="site")["Contents"]]
        self.assertEqual(found, sorted(keys))
        self.assertEqual(self.s3.get_object(Bucket="site", Key="a\nb")["Body"].read(), b"hi")

    def test_listing_without_url_encoding_keeps_a_carriage_return(self) -> None:
        self.put("c\rd")
        body = urllib.request.urlopen(f"{self.cloud['endpoint']}/site?list-type=2").read()
        self.assertIn(b"<Key>c&#13;d</Key>", body)

    def test_pages_prefixes_and_start_after(self) -> None:
        for key in ("a", "b/1", "b/2", "c/1", "d"):
            self.put(key)
        paginator = self.s3.get_paginator("list_objects_v2")
        for size in (1, 2, 5):
            pages = paginator.paginate(Bucket="site", PaginationConfig={"PageSize": size})
            keys = [each["Key"] for page in pages for each in page["Contents"]]
            self.assertEqual(keys, ["a", "b/1", "b/2", "c/1", "d"])
            pages = paginator.paginate(Bucket="site", Delimiter="/", PaginationConfig={"PageSize": size})
            found = [
                each.get("Key") or each["Prefix"]
                for page in pages
                for each in page.get("Contents", []) + page.get("CommonPrefixes", [])
            ]
            self.assertEqual(sorted(found), ["a", "b/", "c/", "d"])
        after = self.s3.list_objects_v2(Bucket="site", StartAfter="b/1", Prefix="b")
        self.assertEqual([each["Key"] for each in after["Contents"]], ["b/2"])

    def test_versions_come_newest_first_in_pages_behind_the_key_marker(self) -> None:
        for body in (b"1", b"2", b"3"):
            self.put("a", body)
        self.s3.delete_object(Bucket="site", Key="a")
        self.put("b")
        everything = self.s3.list_object_versions(Bucket="site")
        sizes = [(each["Key"], each["IsLatest"]) for each in everything["Versions"]]
        self.assertEqual(sizes, [("a", False), ("a", False), ("a", False), ("b", True)])
        self.assertTrue(everything["DeleteMarkers"][0]["IsLatest"])
        pages = self.s3.get_paginator("list_object_versions").paginate(Bucket="site", PaginationConfig={"PageSize": 2})
        ids = [each["VersionId"] for page in pages for each in page.get("Versions", []) + page.get("DeleteMarkers", [])]
        expected = [each["VersionId"] for each in everything["Versions"] + everything["DeleteMarkers"]]
        self.assertEqual(sorted(ids), sorted(expected))
        behind = self.s3.list_object_versions(Bucket="site", KeyMarker="a")
        self.assertEqual([each["Key"] for each in behind["Versions"]], ["b"])

    def test_suspended_bucket_keeps_its_versions(self) -> None:
        kept = self.put("a", b"1")["VersionId"]
        self.bucket(versioning="Suspended")
        self.put("a", b"2")
        self.put("a", b"3")
        ids = [each["VersionId"] for each in self.s3.list_object_versions(Bucket="site")["Versions"]]
        self.assertEqual(ids, ["null", kept])
        self.assertEqual(self.s3.delete_object(Bucket="site", Key="a")["VersionId"], "null")
        self.assertEqual(self.s3.get_object(Bucket="site", Key="a", VersionId=kept)["Body"].read(), b"1")


class Copies(S3TestCase):
    """CopyObject keeps only what AWS keeps."""

    def copy(self, **more: Any) -> Any:
        """Copy `page` onto itself."""
        return self.s3.copy_object(Bucket="site", Key="page", CopySource={"Bucket": "site", "Key": "page"}, **more)

    def test_redirect_acl_and_storage_class_are_dropped_and_metadata_kept(self) -> None:
        self.put(
            "page",
            ACL="public-read",
            WebsiteRedirectLocation="/other",
            StorageClass="STANDARD_IA",
            CacheControl="no-cache",
            Metadata={"by": "me"},
        )
        self.s3.copy_object(Bucket="site", Key="copy", CopySource={"Bucket": "site", "Key": "page"})
        page, copy = self.control("GET", "s3/objects?bucket=site")[::-1]
        self.assertEqual((page["key"], page["public"], page["redirect"]), ("page", True, "/other"))
        self.assertEqual((copy["public"], copy["redirect"], copy["storage_class"]), (False, None, "STANDARD"))
        self.assertEqual((copy["headers"]["cache-control"], copy["headers"]["x-amz-meta-by"]), ("no-cache", "me"))
        self.assertNotIn("WebsiteRedirectLocation", self.s3.head_object(Bucket="site", Key="copy"))

    def test_copies_and_deletes_can_be_conditional(self) -> None:
        self.put("page")
        etag = self.s3.head_object(Bucket="site", Key="page")["ETag"]
        source = {"Bucket": "site", "Key": "page"}
        copy = {"Bucket": "site", "Key": "to", "CopySource": source}
        self.assert_refused("NoSuchKey", "does not exist", self.s3.copy_object, **copy, IfMatch=etag)
        self.s3.copy_object(**copy, IfNoneMatch="*")
        self.assert_refused("PreconditionFailed", "preconditions", self.s3.copy_object, **copy, IfNoneMatch="*")
        self.s3.copy_object(**copy, IfMatch=etag)
        self.put("to", b"another")
        self.assert_refused("PreconditionFailed", "preconditions", self.s3.copy_object, **copy, IfMatch=etag)
        objects = [{"Key": key, "ETag": etag} for key in ("page", "to", "gone")]
        answer = self.s3.delete_objects(Bucket="site", Delete={"Objects": objects})
        self.assertEqual([each["Key"] for each in answer["Deleted"]], ["page"])
        errors = {each["Key"]: each["Code"] for each in answer["Errors"]}
        self.assertEqual(errors, {"to": "PreconditionFailed", "gone": "NoSuchKey"})
        # What hides behind a delete marker is not there.
        self.s3.copy_object(Bucket="site", Key="page", CopySource={"Bucket": "site", "Key": "to"}, IfNoneMatch="*")

    def test_copy_in_place_must_change_something(self) -> None:
        self.put("page")
        self.assert_refused("InvalidRequest", "This copy request is illegal", self.copy)
        self.copy(MetadataDirective="REPLACE", ContentType="text/plain")
        self.assertEqual(self.s3.head_object(Bucket="site", Key="page")["ContentType"], "text/plain")

    def test_old_version_can_be_copied_back(self) -> None:
        old = self.put("page", b"old")["VersionId"]
        self.put("page", b"new")
        source = {"Bucket": "site", "Key": "page", "VersionId": old}
        answer = self.s3.copy_object(Bucket="site", Key="page", CopySource=source)
        self.assertEqual(self.s3.get_object(Bucket="site", Key="page")["Body"].read(), b"old")
        self.assertNotEqual(answer["VersionId"], old)

    def test_copy_of_a_multipart_object_is_a_single_part(self) -> None:
        body = bytes(5 << 20) + b"end"
        upload = self.s3.create_multipart_upload(Bucket="site", Key="big")["UploadId"]
        parts = []
        for number, part in enumerate((body[: 5 << 20], body[5 << 20 :]), start=1):
            answer = self.s3.upload_part(Bucket="site", Key="big", UploadId=upload, PartNumber=number, Body=part)
            parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        done = self.s3.complete_multipart_upload(
            Bucket="site", Key="big", UploadId=upload, MultipartUpload={"Parts": parts}
        )
        digests = b"".join(hashlib.md5(part).digest() for part in (body[: 5 << 20], body[5 << 20 :]))
        self.assertEqual(done["ETag"], f'"{hashlib.md5(digests).hexdigest()}-2"')
        copied = self.s3.copy_object(Bucket="site", Key="copy", CopySource={"Bucket": "site", "Key": "big"})
        self.assertEqual(copied["CopyObjectResult"]["ETag"], f'"{hashlib.md5(body).hexdigest()}"')


class Acls(S3TestCase):
    """What ownership and Block Public Access refuse."""

    def test_new_bucket_takes_no_acl_but_the_owners(self) -> None:
        self.s3.create_bucket(Bucket="fresh")
        self.assert_refused(
            "AccessControlListNotSupported", "The bucket does not allow ACLs",
            self.s3.put_object, Bucket="fresh", Key="a", Body=b"", ACL="private",
        )  # fmt: skip
        self.s3.put_object(Bucket="fresh", Key="a", Body=b"", ACL="bucket-owner-full-control")
        controls = self.s3.get_bucket_ownership_controls(Bucket="fresh")["OwnershipControls"]["Rules"]
        self.assertEqual(controls, [{"ObjectOwnership": "BucketOwnerEnforced"}])
        self.assertTrue(
            self.s3.get_public_access_block(Bucket="fresh")["PublicAccessBlockConfiguration"]["BlockPublicAcls"]
        )

    def test_block_public_access_refuses_public_acls_only(self) -> None:
        self.bucket(block_public_access=True)
        self.put("a", ACL="private")
        self.assert_refused(
            "AccessDenied", "because public ACLs are prevented by the BlockPublicAcls setting", self.put, key="a",
            ACL="public-read",
        )  # fmt: skip

    def test_acl_is_kept_where_it_is_allowed(self) -> None:
        self.put("a", ACL="public-read")
        (stored,) = self.control("GET", "s3/objects?bucket=site")
        self.assertTrue(stored["public"])


class Integrity(S3TestCase):
    """Checksums and ETags."""

    def test_wrong_checksums_are_refused(self) -> None:
        wrong = base64.b64encode(bytes(16)).decode()
        self.assert_refused("BadDigest", "The Content-MD5 you specified", self.put, key="a", ContentMD5=wrong)
        self.assert_refused("InvalidDigest", "is not valid", self.put, key="a", ContentMD5="bm8=")
        for name, length in (("CRC32", 4), ("CRC32C", 4), ("CRC64NVME", 8), ("SHA1", 20), ("SHA256", 32)):
            wrong = base64.b64encode(bytes(length)).decode()
            message = f"The {name} you specified did not match the calculated checksum."
            self.assert_refused("BadDigest", message, self.put, key="a", **{f"Checksum{name}": wrong})
        self.assertNotIn("Contents", self.s3.list_objects_v2(Bucket="site"))

    def test_right_checksums_are_taken(self) -> None:
        # The check values of "123456789": https://reveng.sourceforge.io/crc-catalogue/all.htm
        for name, value in (("CRC32", "cbf43926"), ("CRC32C", "e3069283"), ("CRC64NVME", "ae8b14860a799888")):
            encoded = base64.b64encode(bytes.fromhex(value)).decode()
            self.put(name, b"123456789", **{f"Checksum{name}": encoded})
        head = self.s3.head_object(Bucket="site", Key="CRC32", ChecksumMode="ENABLED")
        self.assertEqual(head["ChecksumCRC32"], base64.b64encode(bytes.fromhex("cbf43926")).decode())

    def test_chunked_upload_with_a_trailer_is_decoded_and_checked(self) -> None:
        def upload(checksum: str) -> int:
            body = f"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:{checksum}\r\n\r\n".encode()
            headers = {
                "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                "x-amz-decoded-content-length": "5",
                "x-amz-trailer": "x-amz-checksum-crc32",
                "content-encoding": "aws-chunked,gzip",
                "content-type": "text/html",
            }
            url = f"{self.cloud['endpoint']}/site/chunked"
            request = urllib.request.Request(url, body, headers, method="PUT")
            try:
                return int(urllib.request.urlopen(request).status)
            except urllib.error.HTTPError as error:
                return error.code

        self.assertEqual(upload("AAAAAA=="), 400)
        self.assertEqual(upload("NhCmhg=="), 200)
        (stored,) = self.control("GET", "s3/objects?bucket=site")
        self.assertEqual((stored["size"], stored["headers"]["content-encoding"]), (5, "gzip"))

    def test_etag_under_kms_is_not_the_md5(self) -> None:
        self.bucket(encryption="aws:kms")
        etag = self.put("a")["ETag"].strip('"')
        self.assertRegex(etag, "^[0-9a-f]{32}$")
        self.assertNotEqual(etag, hashlib.md5(b"hi").hexdigest())
        self.assertEqual(self.s3.head_object(Bucket="site", Key="a")["ServerSideEncryption"], "aws:kms")

    def test_default_encryption_is_aes(self) -> None:
        self.assertEqual(self.put("a")["ServerSideEncryption"], "AES256")


class Regions(S3TestCase):
    """Calls signed for the wrong region."""

    def test_other_region_is_pointed_to_the_buckets(self) -> None:
        self.control("POST", "s3/bucket", {"bucket": "seoul", "region": "ap-northeast-2"})
        for region, status in (("eu-west-1", 301), ("us-east-1", 400)):
            answer = self.get_raw(region)
            self.assertEqual((answer[0], answer[1]["x-amz-bucket-region"]), (status, "ap-northeast-2"))
        self.assertIn("<Code>AuthorizationHeaderMalformed</Code>", answer[2])
        self.assertIn("the region 'us-east-1' is wrong; expecting 'ap-northeast-2'", answer[2])
        self.assertEqual(self.get_raw("ap-northeast-2")[0], 200)

    def get_raw(self, region: str) -> tuple[int, Any, str]:
        """Status, headers and body of a listing signed for a region."""
        authorization = f"AWS4-HMAC-SHA256 Credential=AKIA/20261120/{region}/s3/aws4_request, SignedHeaders=host, "
        request = urllib.request.Request(f"{self.cloud['endpoint']}/seoul?list-type=2")
        request.add_header("Authorization", authorization + "Signature=00")
        try:
            with _NoRedirects.open(request) as response:
                return response.status, response.headers, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    def test_real_clients_follow(self) -> None:
        self.control("POST", "s3/bucket", {"bucket": "seoul", "region": "ap-northeast-2"})
        self.client("s3", "eu-west-1").put_object(Bucket="seoul", Key="a", Body=b"x")
        self.assertEqual(self.client("s3", "us-east-1").list_objects_v2(Bucket="seoul")["KeyCount"], 1)

    def test_head_bucket_tells_the_region(self) -> None:
        head = self.s3.head_bucket(Bucket="site")
        self.assertEqual(head["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"], "us-east-1")
        self.assert_refused("404", "Not Found", self.s3.head_bucket, Bucket="nope")


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_NoRedirects = urllib.request.build_opener(_Stay)


if __name__ == "__main__":
    unittest.main()
