"""The account's own S3 settings: Block Public Access, as S3 Control gives it.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_GetPublicAccessBlock.html
"""

from dataclasses import dataclass, field

from cloud import context
from cloud.aws.call import Call
from cloud.aws.errors import AwsError
from cloud.http import Response

SETTINGS = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


@dataclass
class Account:
    """The settings of the account."""

    block_public_access: list[str] = field(default_factory=list)
    """The names of the settings that are on."""
    is_configured: bool = False
    """Whether the account has such a configuration at all."""

    def blocks(self, setting: str) -> bool:
        """Whether a setting is on."""
        return setting in self.block_public_access

    def set(self, chosen: bool | list[str] | None) -> None:
        """Set all (true), none (false) or some of the settings, or remove the configuration (null)."""
        self.is_configured = chosen is not None
        self.block_public_access = list(SETTINGS) if chosen is True else chosen or []

    def answer(self, call: Call) -> Response:
        """The answer to a call of S3 Control."""
        if call.operation != "GetPublicAccessBlock":
            raise AwsError(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_control_GetPublicAccessBlock.html#API_control_GetPublicAccessBlock_RequestSyntax
        if call.params.get("AccountId") != context.ACCOUNT:
            raise AwsError(403, "AccessDenied", "Access Denied")
        if not self.is_configured:
            message = "The public access block configuration was not found"
            raise AwsError(404, "NoSuchPublicAccessBlockConfiguration", message, {"AccountId": context.ACCOUNT})
        settings = "".join(f"<{name}>{str(self.blocks(name)).lower()}</{name}>" for name in SETTINGS)
        body = f"<PublicAccessBlockConfiguration>{settings}</PublicAccessBlockConfiguration>"
        return Response(200, {"content-type": "application/xml"}, body.encode())
