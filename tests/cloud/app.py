"""The front of the cloud: tells whom a request is for, logs it, and lets faults, identities and denials act first."""

import gc
import time
import traceback
import uuid
from email.utils import formatdate

from cloud import context, github
from cloud.aws import backend, objects, sts
from cloud.aws.buckets import guard_acl, guard_policy, guard_region
from cloud.aws.call import Call, identify
from cloud.aws.errors import AwsError, render
from cloud.beanstalk import api
from cloud.control import Control
from cloud.faults import strike_first, strike_last
from cloud.http import Dropped, Request, Response
from cloud.log import Entry
from cloud.state import State

api.install()
gc.freeze()


class Cloud:
    """Answers every request that comes to one port."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._state = State(endpoint)
        self._control = Control(lambda: self._state, self.reset)

    def reset(self) -> None:
        """Forget everything."""
        backend.reset()
        self._state = State(self._endpoint)

    def handle(self, request: Request) -> Response:
        """Answer a request; raises `Dropped` when a fault closes the connection."""
        state = self._state
        if request.raw_path.startswith("/_cloud/"):
            context.enter(context.Context("control", context.ACCOUNT, state))
            return self._control.handle(request)
        call = _identify(request)
        entry = state.log.add(request, call)
        caller = state.identities.caller(call)
        current = context.Context(str(uuid.uuid4()), caller.account, state)
        context.enter(current)
        try:
            response = self._answer(request, call, entry)
        except AwsError as error:
            response = render(error, call, current.request_id)
        except Dropped:
            entry.finish(0)
            raise
        except Exception:
            traceback.print_exc()
            response = Response(500, {"content-type": "text/plain"}, traceback.format_exc().encode())
        entry.finish(response.status)
        response.headers.setdefault("date", formatdate(time.time() + state.identities.clock_skew, usegmt=True))
        return response

    def _answer(self, request: Request, call: Call, entry: Entry) -> Response:
        fault = self._state.faults.take(request, call)
        if fault is None:
            return self._serve(request, call)
        entry.fault = fault.kind
        context.strike(fault)
        if instead := strike_first(fault):
            return instead
        try:
            response = self._serve(request, call)
        except AwsError as error:
            response = render(error, call, context.current().request_id)
        return strike_last(fault, response)

    def _serve(self, request: Request, call: Call) -> Response:
        state = self._state
        match call.service:
            case "github":
                return state.github.handle(request, request.path.removeprefix("/_github"), f"{self._endpoint}/_github")
            case "oidc":
                return state.oidc.token(request)
            case "app":
                return self._application(request)
            case "logs":
                return state.web.fetch(request)
            case "viewer":
                return state.viewer.get(request)
        state.identities.check(request, call)
        caller = state.identities.caller(call)
        state.permissions.check(request, call, caller.arn, caller.account)
        match call.service:
            case "sts":
                return sts.answer(call)
            case "cloudfront":
                return self._cloudfront(request, call)
            case "s3control":
                return state.account.answer(call)
            case "s3":
                guard_region(call)
                state.traits.guard(request, call, caller.account)
                guard_policy(request, call, caller.arn)
                guard_acl(request, call, caller.arn)
                response = objects.serve(request, call)
                state.traits.amend(call, response)
                return response
        return backend.call_moto(request, call)

    def _cloudfront(self, request: Request, call: Call) -> Response:
        distributions = self._state.distributions
        with backend.lock():
            distributions.guard(call)
            if repeated := distributions.repeated(call):
                return distributions.show(request, call, repeated)
            response = distributions.answer(request, call) or backend.call_moto(request, call)
            if call.operation == "CreateInvalidation" and response.status == 201:
                self._state.viewer.invalidate(call.params["DistributionId"], call.params["Paths"])
                return distributions.started(request, call)
        return response

    def _application(self, request: Request) -> Response:
        name = request.path.removeprefix("/_app/").partition("/")[0]
        region = self._state.beanstalk.holding(name)
        label = None
        if region:
            with region.lock:
                region.advance()
                label = region.environments[name].version_label
        return self._state.web.application(name, label)


def _identify(request: Request) -> Call:
    path = request.raw_path
    if path.startswith("/_github/"):
        return Call("github", github.operation(request.method, request.path.removeprefix("/_github")), "", "")
    for prefix, service, operation in (("/_oidc/", "oidc", "GetToken"), ("/_app/", "app", "Get"), ("/_logs/", "logs", "Get"), ("/_viewer/", "viewer", "Get")):
        if path.startswith(prefix):
            return Call(service, operation, "", "", request.query_params())
    return identify(request)
