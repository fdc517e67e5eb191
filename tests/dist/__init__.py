"""Tests of what is in dist/, and of the scripts that put it there."""
