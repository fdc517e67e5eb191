"""Workflows and action.yml as GitHub's own parser reads them, and the runner harness beside GitHub's own evaluator.

    python -m fidelity.workflows        (in tests/; `make fidelity` installs the packages and runs it)
"""

import json
import math
import re
import subprocess
import unittest
from pathlib import Path
from typing import Any

from runner.expressions import ExpressionError, evaluate
from runner.values import to_string

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = PROJECT / "target/fidelity-github"
WORKFLOWS = [*PROJECT.glob(".github/workflows/*.yml"), *PROJECT.glob("examples/workflows/*.yml")]
PAGES = [PROJECT / "README.md", *PROJECT.glob("docs/*.md")]
_BLOCK = re.compile(r"^```ya?ml\n(.*?)^```", re.DOTALL | re.MULTILINE)
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)

CONTEXTS: dict[str, Any] = {
    "inputs": {"bucket": "Site", "empty": "", "dry-run": "true", "yes": True, "no": False, "to": "previous", "cleanup": True},
    "steps": {
        "one": {"outputs": {"label": "v1"}, "outcome": "failure", "conclusion": "success"},
        "two": {"outputs": {}, "outcome": "success", "conclusion": "success"},
    },
    "github": {
        "event": {"commits": [{"id": "abc"}, {"id": "DEF", "x": [1, 2]}], "nothing": None}, "run_number": "7", "run_attempt": "1",
        "ref": "refs/heads/main", "event_name": "push", "repository": "octo-org/octo-repo", "token": "ghs", "action_path": "/a b",
    },
    "needs": {"one": {"result": "success", "outputs": {}}, "two": {"result": "failure", "outputs": {"a": "b"}}},
    "list": [{"a": [1, 2]}, {"a": [3]}, {"b": 4}, 5, None],
    "numbers": {"zero": 0, "half": 0.5, "big": 1e21, "negative": -3, "text": "0x1F", "spaces": "  12  "},
    "matrix": {"runner": "ubuntu", "container": ""},
    "runner": {"os": "Linux", "arch": "X64", "temp": "/tmp"},
    "env": {"A": "1"}, "vars": {"BUCKET": "b"}, "secrets": {"KEY": "s"}, "job": {"status": "success"}, "strategy": {},
}  # fmt: skip

# Operands of each kind, for every operator.
OPERANDS = (
    "null", "true", "false", "0", "1", "-1", "0.5", "NaN", "Infinity", "-Infinity", "''", "'a'", "'A'", "'b'", "'ß'", "'ı'", "'I'", "'é'", "'É'",
    "'_'", "'Z'", "'0'", "'1'", "'1.0'", "' 1 '", "'0x1'", "'0o1'", "'1e0'", "'true'", "'null'", "'NaN'", "'Infinity'", "'10'", "'9'",
    "list", "github.event", "github.event.nothing", "github.event.none", "fromJSON('[]')", "fromJSON('{}')", "needs.*.result",
)  # fmt: skip
SOURCES = (
    "inputs.bucket", "INPUTS.BUCKET", "inputs['dry-run']", "inputs['DRY-RUN']", "inputs.unknown", "inputs.unknown.more", "unknown", "unknown.more",
    "steps.one.outputs.label", "github.event.commits[0].id", "github.event.commits[1].x[1]", "github.event.commits[-1]",
    "github.event.commits[2]", "github.event.commits['0'].id", "github.event.commits[0.9].id", "github.event.commits.id",
    "github.event.commits.*.id", "github.event.commits[*].id", "github.event.*", "github['event']['commits'][0]['id']",
    "needs.*.result", "needs.*.outputs.a", "needs.*.*", "list.*.a", "list.*.a[0]", "list.*.a.*", "list[*].b", "list.*.*", "list.*", "needs.one.*.x",
    "github.run_number.*", "list[9]", "list['x']", "list[list]", "inputs[list]", "inputs[null]", "inputs[true]", "numbers['zero']",
    "github.run_number == 7", "github.run_number > 6 && github.run_number <= 7", "inputs.empty || 'fallback'", "inputs.bucket && 'yes' || 'no'",
    "!inputs.empty", "!!inputs.bucket", "!list", "!null == true", "!(1 == 2)", "(true || false) && false", "true || false && false",
    "false == false == false", "1 < 2 == true", "1 == 1 < 2", "1 < 2 < 3", "'b' > 'a' == true", "!1 < 2",
    "'it''s'", "''''", "'a''''b'", "'${{ x }}'", "'new\nline'",
    "0xff", "0xFFFFFFFF", "0x80000000", "0x1FFFFFFFF", "0XFF", "0o17", "0o777777777777", "0b1", "1e3", "1E-3", "1.5e+2", ".5", "5.", "+1", "-1", "- 1",
    "--1", "1.2.3", "1e", "0x", "1_0", "123456789012345678", "0.1", "1e21", "1e-7", "1e400", "-0", "-0.0", "100000000000000000000", "0.000001",
    "1.50", "1234567.891", "0.30000000000000004", "Infinity", "-Infinity", "NaN", "infinity", "nan", "TRUE", "True", "NULL", "True == true",
    "numbers.half", "numbers.big", "numbers.negative", "numbers.text == 31", "numbers.spaces == 12",
    "format('{0}-{1} {{x}}', inputs.bucket, 2)", "format('{0}')", "format('{1}', 1)", "format('{0', 1)", "format('0}', 1)", "format('{{{0}}}', 1)",
    "format('{00}', 1)", "format('{ 0 }', 1)", "format('{a}', 1)", "format('{-1}', 1)", "format('}}', 1)", "format('{0}', null)", "format('{0}', list)",
    "format('{0}{0}', 'x')", "format(null, 1)", "format(1, 1)", "format('{0}', true)", "format()", "FORMAT('{0}', 1)",
    "contains('Hello', 'ELL')", "contains('Hello', '')", "contains(null, '')", "contains('1.5', 1.5)", "contains(list, 5)", "contains(list, '5')",
    "contains(list, null)", "contains(needs.*.result, 'FAILURE')", "contains(github, 'push')", "contains('Object', github)", "contains('a')",
    "contains(true, 'RU')", "contains('ß', 'SS')", "contains(list, list)", "contains('x', 'x', 'x')",
    "startsWith('Hello', 'he')", "startsWith(123, 1)", "startsWith(null, '')", "startsWith(list, '')", "startsWith('a', list)", "startsWith(true, 't')",
    "endsWith('Hello', 'LO')", "endsWith(123, 3)", "endsWith(null, null)", "endsWith(list, 'y')", "startswith('a', 'A')",
    "join(needs.*.result)", "join(needs.*.result, ' ')", "join(list, '-')", "join('text', '-')", "join(null)", "join(1)", "join(fromJSON('[1, true, null]'), 0)",
    "join(fromJSON('[]'), ',')", "join(github)", "join(list, list)", "join()",
    "toJSON('a\"b')", "toJSON(null)", "toJSON(1)", "toJSON(1.5)", "toJSON(true)", "toJSON(fromJSON('[]'))", "toJSON(fromJSON('{}'))",
    "toJSON(fromJSON('[1, {\"a\": [true, null]}]'))", "toJSON(needs)", "toJSON('é🎈')", "toJSON('<&>')", "toJSON('a\tb')", "toJSON(1e21)", "toJSON(NaN)",
    "fromJSON('1')", "fromJSON('\"x\"')", "fromJSON('null')", "fromJSON('true')", "fromJSON('[1,2]')[1]", "fromJSON('{\"a\": {\"B\": 2}}').A.b",
    "fromJSON('')", "fromJSON('{')", "fromJSON('[1,]')", "fromJSON(null)", "fromJSON(1)", "fromJSON('NaN')", "fromJSON(toJSON(github)).ref", "fromJSON('{\"a\":1,\"A\":2}').a",
    "nothing('x')", "inputs.", ".inputs", "inputs..x", "inputs[", "inputs[]", "(1", "1)", "1 2", "1 ==", "== 1", "a + b", "1 = 1", "1 & 1", "'open", "\"x\"", "", " ",
    "inputs.bucket inputs.bucket", "inputs.0", "inputs.a-b", "inputs._x", "inputs.-x", "inputs . bucket", "inputs\n.bucket", "inputs [ 'bucket' ]",
    "case(true, 1, 2)", "case(false, 1, true, 2, 3)", "case(1, 2, 3)",
)  # fmt: skip

# Where the evaluator in TypeScript and the runner, which is what counts, differ; the harness follows the runner:
# https://github.com/actions/runner/tree/main/src/Sdk/DTExpressions2/Expressions2
RUNNER = {
    # Tokens/LexicalAnalyzer.cs: each doubled quotation mark is one; there, only the first.
    "'a''''b'": "a''b",
    # Sdk/ExpressionUtility.cs, ParseNumber: hexadecimal and octal numbers have 32 bits and a sign, and lower-case prefixes.
    "0xFFFFFFFF": "-1", "0x80000000": "-2147483648", "0x1FFFFFFFF": None, "0XFF": None, "0o777777777777": None, "0b1": None,
    # Sdk/ExpressionUtility.cs, ConvertToString: numbers by the format G15.
    "123456789012345678": "1.23456789012346E+17", "1e21": "1E+21", "1e-7": "1E-07", "100000000000000000000": "1E+20",
    "0.000001": "1E-06", "numbers.big": "1E+21", "toJSON(NaN)": "NaN",
}  # fmt: skip


def ask(**given: Any) -> dict[str, Any]:
    """What GitHub's packages say; see github/opinions.mjs."""
    command = ["node", "--import", "./json.mjs", "opinions.mjs"]
    done = subprocess.run(command, cwd=PACKAGES, input=json.dumps(given), capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)


def harness(source: str) -> dict[str, str]:
    """What the runner harness says, in the form of GitHub's evaluator."""
    try:
        value = evaluate(source, CONTEXTS)
    except (ExpressionError, ValueError, TypeError):
        return {"error": ""}
    return {"text": to_string(value), "value": "" if isinstance(value, float) and not math.isfinite(value) else json.dumps(_plain(value))}


def _plain(value: Any) -> Any:
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, (int, float)):
        return float(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value]


class Files(unittest.TestCase):
    """What GitHub says of the files."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.action = (PROJECT / "action.yml").read_text()
        cls.files = {str(path.relative_to(PROJECT)): path.read_text() for path in [*WORKFLOWS, PROJECT / "action.yml"]}
        for page in PAGES:
            blocks = [block for block in _BLOCK.findall(page.read_text()) if re.search(r"^jobs:", block, re.MULTILINE)]
            cls.files |= {f"{page.name}-{number}.yml": block for number, block in enumerate(blocks)}
        cls.answer = ask(files=cls.files, action=cls.action)

    def test_nothing_is_wrong_with_them(self) -> None:
        self.assertGreater(len(self.files), 20)
        for name, found in self.answer["diagnostics"].items():
            with self.subTest(name):
                # Only ours is here; what an input of another action is called is not asked.
                ours = [text for text in found if "Unable to resolve action" not in text or "aws-web-deploy" in text]
                self.assertEqual(ours, [])

    def test_every_job_has_its_steps(self) -> None:
        for name, jobs in self.answer["jobs"].items():
            self.assertTrue(jobs, name)
            if name.startswith("examples/"):
                steps = [step for job in jobs.values() for step in job]
                self.assertTrue(any("aws-web-deploy@" in step for step in steps), name)

    def test_what_is_wrong_is_found(self) -> None:
        text = self.files["examples/workflows/html.yml"]
        broken = {
            "unknown-input.yml": text.replace("bucket:", "buckets:"),
            "unknown-context.yml": text.replace("jobs:", "run-name: ${{ nothing.x }}\njobs:"),
            "unknown-key.yml": text.replace("jobs:", "job:\njobs:"),
        }
        for name, found in ask(files=broken, action=self.action)["diagnostics"].items():
            self.assertTrue([one for one in found if "Unable to resolve" not in one], name)
        [found] = ask(files={"action.yml": self.action.replace("using: composite", "using: nothing")})["diagnostics"].values()
        self.assertTrue(found)


class Expressions(unittest.TestCase):
    """The harness that tests action.yml evaluates as GitHub does."""

    maxDiff = None

    def compare(self, sources: list[str]) -> None:
        answers = ask(expressions=sources, contexts=CONTEXTS)["values"]
        differences = []
        for source, theirs in zip(sources, answers, strict=True):
            ours = harness(source)
            if source in RUNNER:
                self.assertEqual(ours.get("text"), RUNNER[source], source)
                self.assertNotEqual(theirs.get("text"), RUNNER[source], f"{source}: they do not differ any more")
                continue
            if "error" in theirs or "error" in ours:
                same = ("error" in theirs) == ("error" in ours)
            else:
                same = theirs["text"] == ours["text"]
                if ours["value"] and same:
                    same = _plain(json.loads(theirs["value"])) == json.loads(ours["value"])
            if not same:
                differences.append(f"{source!r}: GitHub {theirs}, the harness {ours}")
        self.assertEqual(differences, [])

    def test_the_table(self) -> None:
        self.compare(list(SOURCES))

    def test_every_operator_with_operands_of_every_kind(self) -> None:
        operators = ("==", "!=", "<", "<=", ">", ">=", "&&", "||")
        self.compare([f"{left} {operator} {right}" for left in OPERANDS for right in OPERANDS for operator in operators])

    def test_what_the_files_say(self) -> None:
        found = {source for name in texts() for source in _EXPRESSION.findall(name)}
        status = re.compile(r"\b(always|success|failure|cancelled|hashFiles)\(")
        sources = sorted(source for source in found if not status.search(source))
        self.assertGreater(len(sources), 10)
        self.compare(sources)


def texts() -> list[str]:
    """The texts of all workflows and of action.yml."""
    return [path.read_text() for path in [*WORKFLOWS, PROJECT / "action.yml"]]


if __name__ == "__main__":
    unittest.main()
