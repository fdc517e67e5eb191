"""What the deployed application and the log storage answer over plain HTTP: `/_app/ENV/…` and `/_logs/…`."""

import secrets
from dataclasses import dataclass
from urllib.parse import quote

from cloud.aws.errors import AwsError
from cloud.http import Request, Response


@dataclass(frozen=True)
class Override:
    """An answer that a test has set for one environment."""

    status: int
    body: str


class Web:
    """Set answers of applications, and the objects behind presigned URLs."""

    def __init__(self) -> None:
        self._overrides: dict[str, Override] = {}
        self._files: dict[str, bytes] = {}
        self._signatures: dict[str, set[str]] = {}

    def override(self, environment: str, status: int, body: str) -> None:
        """Let an environment's application answer this from now on."""
        self._overrides[environment] = Override(status, body)

    def application(self, environment: str, label: str | None) -> Response:
        """The application's answer; `label` is what runs, None when there is no such environment."""
        if found := self._overrides.get(environment):
            return Response(found.status, {"content-type": "text/plain"}, found.body.encode())
        if label is None:
            return Response(404, {"content-type": "text/plain"}, b"no such environment")
        return Response(200, {"content-type": "text/plain"}, f"{environment} is running {label}".encode())

    def publish(self, key: str, body: bytes) -> None:
        """Store a file."""
        self._files[key] = body

    def presign(self, endpoint: str, key: str) -> str:
        """A presigned URL of a file, another one each time."""
        signature = secrets.token_hex(32)
        self._signatures.setdefault(key, set()).add(signature)
        return (
            f"{endpoint}/_logs/{quote(key)}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20261120T080000Z"
            "&X-Amz-SignedHeaders=host&X-Amz-Expires=86399&X-Amz-Credential=AKIAEXAMPLEEXAMPLE12%2F20261120"
            f"%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature={signature}"
        )

    def fetch(self, request: Request) -> Response:
        """The file behind a presigned URL, as S3 gives it."""
        if "authorization" in request.headers:
            # https://github.com/catalyst/moodle-tool_objectfs/issues/303
            message = (
                "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string "
                "parameter or the Authorization header should be specified"
            )
            raise AwsError(400, "InvalidArgument", message)
        key = request.path.removeprefix("/_logs/")
        if request.query_params().get("X-Amz-Signature") not in self._signatures.get(key, set()):
            raise AwsError(403, "AccessDenied", "Access Denied")
        return Response(200, {"content-type": "text/plain"}, self._files[key])
