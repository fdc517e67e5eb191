"""Measures the site sync side by side with other tools: `python -m bench`. See docs/benchmarks.md."""
