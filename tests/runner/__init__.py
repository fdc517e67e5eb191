"""Runs a composite action the way GitHub's runner does, so that tests meet what a workflow meets.

Written after https://github.com/actions/runner (src/Runner.Worker): what it does not know it refuses, so that a
green test never rests on a guess.
"""
