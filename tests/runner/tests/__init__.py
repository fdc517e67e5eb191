"""Checks the runner harness."""
