"""GitHub's OIDC token endpoint, which a job with `permissions: id-token: write` may ask.

https://docs.github.com/en/actions/reference/security/oidc
"""

import base64
import json
import re
import secrets
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from cloud.aws.policies import is_like
from cloud.http import Request, Response, json_response

ISSUER = "https://token.actions.githubusercontent.com"


@dataclass(frozen=True)
class Trust:
    """What a role's trust policy asks of a token."""

    role: str
    sub: str = "*"
    """A pattern with `*` and `?`, as StringLike compares."""
    aud: str = "sts.amazonaws.com"
    exact: bool = False
    """`sub` is compared by StringEquals: its `*` is no wildcard."""

    def covers(self, subject: str) -> bool:
        """Whether the subject is trusted, in the case it is written in.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
        """
        return subject == self.sub if self.exact else is_like(self.sub, subject)


@dataclass
class Oidc:
    """The endpoint's settings, and the AWS account's side of the trust."""

    sub: str = "repo:octo-org/octo-repo:ref:refs/heads/main"
    """The subject in the form that it has without ids, or the very one that the test wants."""
    immutable: bool = False
    """Whether the repository's subjects have the ids of owner and repository, as those of repositories that were
    created, renamed or transferred since 15 July 2026: https://docs.github.com/en/actions/reference/security/oidc"""
    owner_id: str = "123456"
    repository_id: str = "456789"
    token_request_token: str = "request-token"
    """The bearer token that the runner gives the job as ACTIONS_ID_TOKEN_REQUEST_TOKEN."""
    audience: str = "sts.amazonaws.com"
    """The client id that the account's identity provider allows."""
    has_provider: bool = True
    """Whether the account has an identity provider for GitHub."""
    token_seconds: float = 300
    """How long a token is good; negative makes expired ones."""
    trust: list[Trust] = field(default_factory=list)
    """The roles that trust GitHub."""
    max_duration_seconds: int = 3600
    """The roles' MaxSessionDuration."""
    session_seconds: float | None = None
    """How long sessions really last, for tests that cannot wait a quarter of an hour; None as long as asked for."""
    fresh_tries: int = 0
    """How many of the next calls find the roles so fresh that STS does not know their trust policy yet: "changes that I
    make are not always immediately visible",
    https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency."""
    fresh_provider_tries: int = 0
    """How many of the next calls find the identity provider so fresh that STS does not know it yet."""
    fresh_until: float = 0
    """The same until this Unix time; the control endpoint takes `fresh_seconds` from now."""

    def is_fresh(self) -> bool:
        """Whether this call comes too early after the role was made, counted."""
        if time.time() < self.fresh_until:
            return True
        self.fresh_tries -= 1
        return self.fresh_tries >= 0

    def knows_provider(self) -> bool:
        """Whether STS knows the account's identity provider at this call, counted."""
        self.fresh_provider_tries -= 1
        return self.has_provider and self.fresh_provider_tries < 0

    def subject(self) -> str:
        """The subject of the tokens."""
        repository, _, rest = self.sub.removeprefix("repo:").partition(":")
        owner, _, name = repository.partition("/")
        if not self.immutable or not name or "@" in repository:
            return self.sub
        return f"repo:{owner}@{self.owner_id}/{name}@{self.repository_id}:{rest}"

    def token(self, request: Request) -> Response:
        """Answer a request for a token."""
        if request.headers.get("authorization", "").lower() != f"bearer {self.token_request_token}".lower():
            return json_response({"message": "Unauthorized"}, 401)
        audience = request.query_params().get("audience") or "https://github.com/octo-org"
        return json_response({"value": self._jwt(audience)})

    def _jwt(self, audience: str) -> str:
        now = int(time.time())
        repository, _, context = self.sub.removeprefix("repo:").partition(":")
        repository = re.sub(r"@\d+", "", repository)
        claims = {
            "jti": str(uuid.uuid4()),
            "sub": self.subject(),
            "aud": audience,
            "ref": context.removeprefix("ref:"),
            "repository": repository,
            "repository_id": self.repository_id,
            "repository_owner": repository.partition("/")[0],
            "repository_owner_id": self.owner_id,
            "iss": ISSUER,
            "nbf": now - 600,
            "exp": now + int(self.token_seconds),
            "iat": now,
        }
        header = {"typ": "JWT", "alg": "RS256", "x5t": "example", "kid": "example"}
        parts = [_base64url(json.dumps(part).encode()) for part in (header, claims)]
        return ".".join([*parts, _base64url(secrets.token_bytes(256))])


def claims_of(token: str) -> dict[str, Any] | None:
    """The claims in a token, None when it is not a JSON web token."""
    try:
        _, payload, _ = token.split(".")
        return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except ValueError:
        return None


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
