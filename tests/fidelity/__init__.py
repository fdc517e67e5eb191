"""Other people's opinions of what the action sends and of what its workflows say; docs/compatibility.md has the table.

`make fidelity` runs them. Here is what needs no service of AWS or GitHub: real host names and signatures (`hosts`,
`signatures`, `proxy`), GitHub's own parser and evaluator (`workflows`), Ceph's gateway (`ceph`), and somebody else's
runner (`other_runner`).
"""
