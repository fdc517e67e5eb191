"""The operations of Elastic Beanstalk's API, added to moto's response class.

moto then parses requests and serialises answers from botocore's own service model, so the wire format is AWS's.
"""

from collections.abc import Callable

from moto.core.responses import ActionResult, EmptyResult
from moto.elasticbeanstalk.responses import EBResponse

from cloud import context
from cloud.beanstalk import instances, operations
from cloud.beanstalk.registry import OPERATIONS, Operation

_MODULES = (instances, operations)
"""Each adds its operations when it is imported."""


def install() -> None:
    """Add the operations to moto's response class, in place of the few that it has."""
    for action, function in OPERATIONS.items():
        setattr(EBResponse, action, _method(function))


def _method(function: Operation) -> Callable[[EBResponse], ActionResult]:
    def method(self: EBResponse) -> ActionResult:
        region = context.current().state.beanstalk.get(self.region)
        with region.lock:
            result = function(region, self._get_params())
        return EmptyResult() if result is None else ActionResult(result)

    return method
