"""GitHub's REST API as far as the action uses it: deployments, their statuses, and a commit's message.

Wire format: https://docs.github.com/en/rest/deployments/deployments,
https://docs.github.com/en/rest/deployments/statuses, https://docs.github.com/en/rest/commits/commits
"""

import re
import threading
import time
from typing import Any

from cloud.http import Dropped, Request, Response, json_response

_DEPLOYMENTS = re.compile(r"/repos/([^/]+/[^/]+)/deployments")
_DEPLOYMENT = re.compile(r"/repos/([^/]+/[^/]+)/deployments/(\d+)")
_STATUSES = re.compile(r"/repos/([^/]+/[^/]+)/deployments/(\d+)/statuses")
_COMMIT = re.compile(r"/repos/([^/]+/[^/]+)/commits/([^/]+)")

_BOT = "github-actions[bot]"

MODES = ["down", "forbidden", "gone", "ok", "rate-limit", "secondary-limit", "slow"]
"""How requests go: `ok`, `slow` (answered after `seconds`), `down` (502), `forbidden` (403), `gone` (the connection
closes), `secondary-limit` (403, try again after `seconds`), `rate-limit` (403, for `seconds`)."""

# https://github.com/apache/devlake/issues/1322
_SECONDARY = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
# https://github.com/bobheadxi/deployments/issues/67
_PRIMARY = "API rate limit exceeded for installation ID 12770951."


def operation(method: str, path: str) -> str:
    """The name under which the log shows a request."""
    if _STATUSES.fullmatch(path):
        return "CreateDeploymentStatus" if method == "POST" else "ListDeploymentStatuses"
    if _DEPLOYMENTS.fullmatch(path):
        return "CreateDeployment" if method == "POST" else "ListDeployments"
    if _DEPLOYMENT.fullmatch(path):
        return "GetDeployment"
    return "GetCommit" if _COMMIT.fullmatch(path) else ""


class GitHub:
    """One GitHub with any number of repositories."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.mode = "ok"
        """One of `MODES`."""
        self.times = -1
        """How many of the next requests the mode is for; -1: all."""
        self.seconds = 5.0
        self.subject = "Make the button blue"
        """The first line of every commit's message."""
        self._deployments: list[dict[str, Any]] = []
        self._statuses: list[dict[str, Any]] = []
        self._repositories: dict[int, str] = {}

    def as_json(self) -> dict[str, Any]:
        """Everything that was written."""
        with self._lock:
            return {"deployments": list(self._deployments), "statuses": list(self._statuses)}

    def handle(self, request: Request, path: str, base: str) -> Response:
        """Answer a request for `path`; `base` is the API's address."""
        match self._take_mode():
            case "slow":
                time.sleep(self.seconds)
            case "down":
                return json_response({"message": "Server Error"}, 502)
            case "gone":
                raise Dropped
            case "forbidden":
                return _error(403, "Resource not accessible by integration")
            case "secondary-limit":
                return _limited(_SECONDARY, "#secondary-rate-limits", {"retry-after": str(round(self.seconds))})
            case "rate-limit":
                reset = str(round(time.time() + self.seconds))
                headers = {"x-ratelimit-limit": "1000", "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}
                return _limited(_PRIMARY, "#rate-limiting", headers)
        if not request.headers.get("authorization"):
            return _error(401, "Requires authentication")
        with self._lock:
            return self._route(request, path, base)

    def _take_mode(self) -> str:
        with self._lock:
            if self.times == 0:
                return "ok"
            self.times = max(-1, self.times - 1)
            return self.mode

    def _route(self, request: Request, path: str, base: str) -> Response:
        if found := _STATUSES.fullmatch(path):
            deployment = self._find(found[1], int(found[2]))
            if deployment is None:
                return _error(404, "Not Found")
            if request.method == "POST":
                return self._create_status(request.json(), deployment, base)
            mine = [status for status in self._statuses if status["deployment_url"] == deployment["url"]]
            return json_response(mine[::-1])
        if found := _DEPLOYMENTS.fullmatch(path):
            if request.method == "POST":
                return self._create_deployment(request.json(), found[1], base)
            return json_response(self._list(found[1], request.query_params()))
        if found := _DEPLOYMENT.fullmatch(path):
            deployment = self._find(found[1], int(found[2]))
            return json_response(deployment) if deployment else _error(404, "Not Found")
        if found := _COMMIT.fullmatch(path):
            return json_response(self._commit(found[1], found[2], base))
        return _error(404, "Not Found")

    def _find(self, repository: str, number: int) -> dict[str, Any] | None:
        if self._repositories.get(number) != repository:
            return None
        return next((deployment for deployment in self._deployments if deployment["id"] == number), None)

    def _list(self, repository: str, query: dict[str, str]) -> list[dict[str, Any]]:
        wanted = {name: query[name] for name in ("environment", "sha", "ref", "task") if name in query}
        found = [
            deployment
            for deployment in reversed(self._deployments)
            if self._repositories[deployment["id"]] == repository
            and all(deployment[name] == value for name, value in wanted.items())
        ]
        size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
        return found[(page - 1) * size : page * size]

    def _create_deployment(self, body: dict[str, Any], repository: str, base: str) -> Response:
        if not body.get("ref"):
            return _error(422, "Invalid request.\n\n\"ref\" wasn't supplied.")
        number = 42_000_001 + len(self._deployments)
        url = f"{base}/repos/{repository}/deployments/{number}"
        now = _now()
        deployment = {
            "url": url,
            "id": number,
            "node_id": f"DE_{number}",
            "sha": body["ref"] if re.fullmatch("[0-9a-f]{40}", body["ref"]) else "a" * 40,
            "ref": body["ref"],
            "task": body.get("task", "deploy"),
            "payload": body.get("payload") or {},
            "original_environment": body.get("environment", "production"),
            "environment": body.get("environment", "production"),
            "description": body.get("description"),
            "creator": _bot(base),
            "created_at": now,
            "updated_at": now,
            "statuses_url": f"{url}/statuses",
            "repository_url": f"{base}/repos/{repository}",
            "transient_environment": bool(body.get("transient_environment", False)),
            "production_environment": bool(body.get("production_environment", True)),
        }
        self._deployments.append(deployment)
        self._repositories[number] = repository
        return json_response(deployment, 201)

    def _create_status(self, body: dict[str, Any], deployment: dict[str, Any], base: str) -> Response:
        number = 90_000_001 + len(self._statuses)
        now = _now()
        status = {
            "url": f"{deployment['url']}/statuses/{number}",
            "id": number,
            "node_id": f"DES_{number}",
            "state": body["state"],
            "creator": _bot(base),
            "description": (body.get("description") or "")[:140],
            "environment": body.get("environment") or deployment["environment"],
            "target_url": body.get("target_url") or body.get("log_url") or "",
            "log_url": body.get("log_url") or "",
            "environment_url": body.get("environment_url") or "",
            "created_at": now,
            "updated_at": now,
            "deployment_url": deployment["url"],
            "repository_url": deployment["repository_url"],
        }
        self._statuses.append(status)
        if body["state"] == "success" and body.get("auto_inactive", True):
            self._deactivate_others(deployment)
        return json_response(status, 201)

    def _deactivate_others(self, deployment: dict[str, Any]) -> None:
        """A success makes earlier, non-transient, non-production deployments of its environment inactive."""
        for other in self._deployments:
            if (
                other is not deployment
                and other["environment"] == deployment["environment"]
                and not other["transient_environment"]
                and not other["production_environment"]
            ):
                template = next((s for s in self._statuses if s["deployment_url"] == other["url"]), None)
                if template:
                    self._statuses.append({**template, "id": 90_000_001 + len(self._statuses), "state": "inactive"})

    def _commit(self, repository: str, sha: str, base: str) -> dict[str, Any]:
        person = {"name": "Monalisa Octocat", "email": "mona@example.com", "date": "2021-01-03T12:00:00Z"}
        url = f"{base}/repos/{repository}/commits/{sha}"
        return {
            "url": url,
            "sha": sha,
            "node_id": f"C_{sha}",
            "html_url": f"https://github.com/{repository}/commit/{sha}",
            "comments_url": f"{url}/comments",
            "commit": {
                "url": url,
                "author": person,
                "committer": person,
                "message": f"{self.subject}\n\nWith a body.",
                "tree": {"url": f"{base}/repos/{repository}/git/trees/{sha}", "sha": sha},
                "comment_count": 0,
            },
            "author": None,
            "committer": None,
            "parents": [],
        }


def _bot(base: str) -> dict[str, Any]:
    """The simple-user object of the workflow's token."""
    url = f"{base}/users/{_BOT}"
    return {
        "login": _BOT,
        "id": 41898282,
        "node_id": "MDM6Qm90NDE4OTgyODI=",
        "avatar_url": "https://avatars.githubusercontent.com/in/15368?v=4",
        "gravatar_id": "",
        "url": url,
        "html_url": "https://github.com/apps/github-actions",
        "followers_url": f"{url}/followers",
        "following_url": f"{url}/following{{/other_user}}",
        "gists_url": f"{url}/gists{{/gist_id}}",
        "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{url}/subscriptions",
        "organizations_url": f"{url}/orgs",
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events{{/privacy}}",
        "received_events_url": f"{url}/received_events",
        "type": "Bot",
        "site_admin": False,
    }


def _error(status: int, message: str) -> Response:
    documentation = "https://docs.github.com/rest/deployments/deployments#create-a-deployment"
    return json_response({"message": message, "documentation_url": documentation, "status": str(status)}, status)


def _limited(message: str, anchor: str, headers: dict[str, str]) -> Response:
    """https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit"""
    page = "https://docs.github.com/en/free-pro-team@latest/rest/overview/resources-in-the-rest-api"
    return json_response({"message": message, "documentation_url": page + anchor}, 403, headers)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
