"""The control endpoint `/_cloud`, by which tests set things up and look at what happened."""

import base64
import time
from collections.abc import Callable
from typing import Any

from cloud.aws import backend, buckets, distribution_config, distributions, objects
from cloud.aws.identity import Identity
from cloud.aws.permissions import Deny
from cloud.beanstalk import logtexts, scenarios, updates, views
from cloud.beanstalk.region import Region, Scenario, Version, VersionRules
from cloud.faults import Fault
from cloud.github import MODES
from cloud.http import Request, Response, json_response
from cloud.oidc import Trust
from cloud.state import State

Body = dict[str, Any]
_ENVIRONMENT_SETTINGS = ("platform", "own_commands", "deployment_logs")


class Control:
    """Routes control requests; `reset` makes a new state, so the state is fetched anew for each request."""

    def __init__(self, state: Callable[[], State], reset: Callable[[], None]) -> None:
        self._state = state
        self._reset = reset
        self.routes: dict[tuple[str, str], Callable[[Body], Any]] = {
            ("GET", "requests"): lambda _: self._state().log.as_json(),
            ("DELETE", "requests"): lambda _: self._state().log.clear(),
            ("GET", "faults"): lambda _: self._state().faults.as_json(),
            ("POST", "faults"): lambda body: self._state().faults.order(Fault(**body)),
            ("DELETE", "faults"): lambda _: self._state().faults.clear(),
            ("GET", "deny"): lambda _: self._state().permissions.as_json(),
            ("POST", "deny"): lambda body: self._state().permissions.deny(Deny(**body)),
            ("DELETE", "deny"): lambda _: self._state().permissions.clear(),
            ("POST", "policy"): lambda body: self._state().permissions.allow_only(body["access_key"], body["policy"]),
            ("POST", "identity"): lambda body: self._state().identities.set(Identity(**body)),
            ("POST", "oidc"): self._set_oidc,
            ("POST", "github"): self._set_github,
            ("GET", "github"): lambda _: self._state().github.as_json(),
            ("POST", "app"): self._set_app,
            ("POST", "s3/bucket"): self._set_bucket,
            ("POST", "s3/account"): lambda body: self._state().account.set(body["block_public_access"]),
            ("POST", "s3/object"): self._put_object,
            ("POST", "s3/objects"): lambda body: objects.fill(body["bucket"], body["prefix"], int(body["count"])),
            ("POST", "s3/archive"): self._archive_version,
            ("GET", "s3/objects"): lambda body: buckets.objects(body["bucket"]),
            ("POST", "cloudfront"): self._create_distribution,
            ("GET", "cloudfront"): lambda _: distributions.as_json(),
            ("POST", "cloudfront/settings"): self._set_cloudfront,
            ("GET", "beanstalk"): self._beanstalk,
            ("POST", "beanstalk/applications"): self._add_application,
            ("POST", "beanstalk/environments"): self._add_environment,
            ("POST", "beanstalk/scenario"): self._set_scenario,
            ("POST", "beanstalk/versions"): self._set_version_rules,
            ("POST", "beanstalk/update"): self._update_as_somebody_else,
            ("POST", "beanstalk/environment"): self._change_environment,
            ("POST", "beanstalk/event"): self._add_event,
            ("POST", "reset"): lambda _: self._reset(),
        }

    def handle(self, request: Request) -> Response:
        """Answer a control request; a mistake in it is a 400 that names it."""
        route = self.routes.get((request.method, request.path.removeprefix("/_cloud/")))
        if route is None:
            return json_response({"error": f"no such control: {request.method} {request.path}"}, 404)
        try:
            body = request.json() if request.body else request.query_params()
            return json_response(route(body))
        except Exception as error:  # whatever a test has sent, it must learn what is wrong with it
            return json_response({"error": f"{type(error).__name__}: {error}"}, 400)

    def _set_oidc(self, body: Body) -> None:
        state = self._state()
        if "clock_skew" in body:
            state.identities.clock_skew = float(body.pop("clock_skew"))
        if "fresh_seconds" in body:
            state.oidc.fresh_until = time.time() + float(body.pop("fresh_seconds"))
        for name, value in body.items():
            if not hasattr(state.oidc, name):
                raise KeyError(name)
            setattr(state.oidc, name, [Trust(**trust) for trust in value] if name == "trust" else value)

    def _set_github(self, body: Body) -> None:
        github = self._state().github
        _check("mode", body.get("mode", "ok"), MODES)
        github.mode = body.get("mode", "ok")
        github.times = int(body.get("times", -1))
        github.seconds = float(body.get("seconds", github.seconds))
        github.subject = body.get("subject", github.subject)

    def _set_app(self, body: Body) -> None:
        self._state().web.override(body["environment"], int(body.get("status", 200)), body.get("body", ""))

    def _set_bucket(self, body: Body) -> None:
        buckets.configure(body.pop("bucket"), body.pop("region", "us-east-1"), body)

    def _put_object(self, body: Body) -> dict[str, str]:
        content = base64.b64decode(body["body_base64"]) if "body_base64" in body else body.get("body", "").encode()
        return objects.put(body["bucket"], body["key"], content, body.get("headers", {}), body.get("age", 0))

    def _archive_version(self, body: Body) -> None:
        restored = bool(body.get("restored", False))
        objects.archive(body["bucket"], body["key"], body["version"], body.get("class", "GLACIER"), restored)

    def _create_distribution(self, body: Body) -> dict[str, str]:
        with backend.lock():
            distribution = distribution_config.create(body)
        return {"id": distribution.id, "domain": distribution.domain_name}

    def _set_cloudfront(self, body: Body) -> None:
        state = self._state().distributions
        state.invalidation_seconds = float(body.get("invalidation_seconds", state.invalidation_seconds))
        state.busy = int(body.get("busy", state.busy))
        state.policies |= body.get("cache_policies", {})
        viewer = self._state().viewer
        viewer.caching = bool(body.get("caching", viewer.caching))

    def _region(self, body: Body) -> Region:
        """The region that is named, else the one that has the environment, else us-east-1."""
        regions = self._state().beanstalk
        if "region" in body:
            return regions.get(body["region"])
        return regions.holding(body.get("environment", "")) or regions.get("us-east-1")

    def _add_application(self, body: Body) -> None:
        self._region(body).add_application(body["application"])

    def _add_environment(self, body: Body) -> dict[str, Any]:
        region = self._region(body)
        label = body.get("version_label", "v0")
        _check("platform", body.get("platform", "python"), logtexts.platforms())
        with region.lock:
            region.add_application(body["application"])
            if (body["application"], label) not in region.versions:
                self._add_version(region, body["application"], label, body.get("bundle"))
            environment = region.add_environment(
                body["application"],
                body["environment"],
                label,
                f"{self._state().endpoint.removeprefix('http://')}/_app/{body['environment']}",
                body.get("health", "enhanced"),
                body.get("tier", "WebServer"),
                body.get("colour", "Green"),
                int(body.get("instances", 1)),
                **{name: body[name] for name in _ENVIRONMENT_SETTINGS if name in body},
            )
            return {"id": environment.id, "cname": environment.endpoint}

    def _add_version(
        self,
        region: Region,
        application: str,
        label: str,
        bundle: str | None,
        key: str | None = None,
    ) -> None:
        """A version out of a new object, or out of the one at `key`; it is processed."""
        bucket = f"elasticbeanstalk-{region.name}-123456789012"
        buckets.ensure(bucket, region.name)
        if key is None:
            key = f"{application}/{label}.zip"
            objects.put(bucket, key, (bundle or f"the bundle of {label}").encode(), {}, 0)
        now = time.time()
        region.versions[application, label] = Version(application, label, "", bucket, key, now, now)

    def _set_scenario(self, body: Body) -> None:
        name = body.pop("environment")
        region = self._region({"environment": name, **{k: v for k, v in body.items() if k == "region"}})
        body.pop("region", None)
        scenario = Scenario(name=body.pop("scenario"), **body)
        _check("scenario", scenario.name, scenarios.names())
        _check("cause", scenario.cause, logtexts.causes())
        with region.lock:
            if name in region.environments:
                _check("scenario of its tier", scenario.name, scenarios.names_for(region.environments[name].tier))
            if scenario.name == "busy":
                environment = region.find(name)
                environment.timeline = scenarios.busy(environment, scenario, time.time())
                region.advance()
            else:
                region.scenarios[name] = scenario

    def _set_version_rules(self, body: Body) -> None:
        region = self._region(body)
        body.pop("region", None)
        if label := body.pop("version_label", None):
            application = body.pop("application")
            with region.lock:
                bundle, key = body.pop("bundle", None), body.pop("key", None)
                if (application, label) not in region.versions or bundle is not None or key is not None:
                    self._add_version(region, application, label, bundle, key)
                version = region.versions[application, label]
                if (seconds := body.pop("processing", None)) is not None:
                    version.processed_at = time.time() + float(seconds)
                version.fails = body.pop("fails", version.fails)
                if body.pop("source_gone", False):
                    buckets.delete_object(version.bucket, version.key)
                if body:
                    raise KeyError(", ".join(body))
            return
        region.version_rules = VersionRules(**body)

    def _update_as_somebody_else(self, body: Body) -> None:
        """Deploy `version_label`, made when there is none, as another person: `polls` and `abort` as in `Planned`."""
        region = self._region(body)
        with region.lock:
            environment = region.find(body["environment"])
            label = body["version_label"]
            if (environment.application, label) not in region.versions:
                self._add_version(region, environment.application, label, None)
            scenario = Scenario(body.get("scenario", "success"), float(body.get("seconds", 1)))
            _check("scenario", scenario.name, scenarios.names_for(environment.tier))
            polls, abort = int(body.get("polls", 0)), bool(body.get("abort", False))
            updates.plan(region, updates.Planned(environment.name, label, scenario, polls, abort))

    def _change_environment(self, body: Body) -> None:
        """Set an environment's colour, status, or the label that single instances run."""
        region = self._region(body)
        with region.lock:
            environment = region.find(body["environment"])
            if "colour" in body:
                environment.paint(body["colour"], body.get("causes"))
            environment.status = body.get("status", environment.status)
            for index, label in enumerate(body.get("instance_labels", [])):
                environment.instances[index].version_label = label

    def _add_event(self, body: Body) -> None:
        region = self._region(body)
        with region.lock:
            region.add_event(
                region.find(body["environment"]),
                body["message"],
                body.get("severity", "INFO"),
                body.get("request_id"),
                body.get("date"),
            )

    def _beanstalk(self, body: Body) -> dict[str, Any]:
        shown = {}
        for region in self._state().beanstalk.all():
            with region.lock:
                region.advance()
                shown[region.name] = {
                    "applications": list(region.applications),
                    "versions": [_times_as_text(views.version(region, item)) for item in region.versions.values()],
                    "environments": [
                        _times_as_text(views.environment(item))
                        | {
                            "settings": [
                                {"namespace": namespace, "option": option, "value": value}
                                for (namespace, option), value in item.settings.items()
                            ],
                            "instances": [{"id": each.id, "version_label": each.version_label} for each in item.instances],
                        }
                        for item in region.environments.values()
                    ],
                    "events": [_times_as_text(views.event(event)) for event in region.sorted_events()],
                }
        return shown


def _check(what: str, name: str, known: list[str]) -> None:
    if name not in known:
        raise ValueError(f"unknown {what} {name}, one of {', '.join(known)}")


def _times_as_text(described: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in described.items()
    }
