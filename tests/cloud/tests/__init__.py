"""Checks the local cloud with clients that nobody here wrote: the aws CLI and boto3."""
