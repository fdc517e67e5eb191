"""Faults at every request of every kind of run, and lives of random runs, through `action.yml` against the local cloud.

`python -m campaign BINARY` in `tests/`; `make campaign` and `make lives` do so with the freshly built binary.
"""
