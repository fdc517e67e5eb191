"""Everything the cloud remembers besides moto's own backends; a reset makes a new one."""

from dataclasses import dataclass, field

from cloud.aws.account import Account
from cloud.aws.distributions import Distributions
from cloud.aws.identity import Identities
from cloud.aws.permissions import Permissions
from cloud.aws.traits import BucketTraits
from cloud.aws.viewer import Viewer
from cloud.beanstalk.region import Regions
from cloud.faults import Faults
from cloud.github import GitHub
from cloud.log import RequestLog
from cloud.oidc import Oidc
from cloud.web import Web


@dataclass
class State:
    """The parts of the cloud, each with its own state."""

    endpoint: str
    log: RequestLog = field(default_factory=RequestLog)
    faults: Faults = field(default_factory=Faults)
    permissions: Permissions = field(default_factory=Permissions)
    identities: Identities = field(default_factory=Identities)
    account: Account = field(default_factory=Account)
    traits: BucketTraits = field(default_factory=BucketTraits)
    oidc: Oidc = field(default_factory=Oidc)
    github: GitHub = field(default_factory=GitHub)
    beanstalk: Regions = field(default_factory=Regions)
    distributions: Distributions = field(default_factory=Distributions)
    viewer: Viewer = field(default_factory=Viewer)
    web: Web = field(default_factory=Web)
