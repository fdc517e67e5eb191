"""The local cloud: the AWS and GitHub services that the action talks to, in one process on 127.0.0.1.

S3, CloudFront and STS are moto's, mended where moto is kinder or stranger than AWS (`cloud.aws`). Elastic
Beanstalk is written here on moto's serialisers (`cloud.beanstalk`), as are GitHub's deployments API, the OIDC
token endpoint and the control endpoint `/_cloud` that sets scenarios, faults and identities.
"""
