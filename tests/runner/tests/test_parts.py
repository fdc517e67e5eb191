"""Expressions, workflow commands and command files, each on its own."""

import unittest

from runner.commands import Log, Masker, parse
from runner.expressions import ExpressionError, condition, evaluate, interpolate
from runner.files import parse_pairs

_CONTEXTS = {
    "inputs": {"bucket": "Site", "empty": "", "dry-run": "true"},
    "steps": {"one": {"outputs": {"label": "v1"}, "outcome": "failure"}},
    "github": {"event": {"commits": [{"id": "abc"}]}, "run_number": "7"},
    "job": {"status": "success"},
}


class Expressions(unittest.TestCase):
    """`${{ }}`."""

    def test_values(self) -> None:
        for source, expected in {
            "inputs.bucket": "Site",
            "INPUTS_less": ExpressionError,
            "inputs['dry-run']": "true",
            "inputs.BUCKET": "Site",
            "inputs.unknown": None,
            "steps.one.outputs.label": "v1",
            "github.event.commits[0].id": "abc",
            "inputs.bucket == 'site'": True,
            "inputs.bucket != 'site'": False,
            "inputs.empty == null": True,
            "github.run_number == 7": True,
            "github.run_number > 6 && github.run_number <= 7": True,
            "inputs.empty || 'fallback'": "fallback",
            "inputs.bucket && 'yes' || 'no'": "yes",
            "!inputs.empty": True,
            "(true || false) && false": False,
            "'it''s'": "it's",
            "format('{0}-{1} {{x}}', inputs.bucket, 2)": "Site-2 {x}",
            "contains('Hello', 'ell')": True,
            "contains(fromJSON('[\"a\",\"b\"]'), 'B')": True,
            "startsWith(inputs.bucket, 'SI')": True,
            "endsWith(inputs.bucket, 'te')": True,
            "join(fromJSON('[1, 2]'), '-')": "1-2",
            "hashFiles('x')": ExpressionError,
            "secrets.X": ExpressionError,
            "inputs.bucket inputs.bucket": ExpressionError,
            "inputs.bucket ==": ExpressionError,
            "a + b": ExpressionError,
            "1.2.3": ExpressionError,
            "GitHub.Run_Number": "7",
            "FORMAT('{0}', 1)": "1",
            "success(1)": ExpressionError,
        }.items():
            with self.subTest(source=source):
                if expected is ExpressionError:
                    self.assertRaises(ExpressionError, evaluate, source, _CONTEXTS)
                else:
                    self.assertEqual(evaluate(source, _CONTEXTS), expected)

    def test_comparisons_are_those_of_githubs_evaluator(self) -> None:
        # https://github.com/actions/languageservices/blob/main/expressions/src/result.ts
        for source, expected in {
            "'a' < 'B'": True,
            "'Z' < '_'": True,  # by capitals: `_` is behind them
            "'10' < '9'": True,
            "'10' < 9": False,
            "'b' >= 'B'": True,
            "'a' < 1": False,
            "'a' >= 1": False,
            "null < 1": True,
            "false < true": True,
            "true > null": True,
            "NaN == NaN": False,
            "NaN || 'no'": "no",
            "0xff == 255": True,
            "'0xff' == 255": True,
            "'0xFFFFFFFF' == -1": True,
            "'0x1FFFFFFFF' == 0": False,
            "'0Xff' == 255": False,
            "0o17 == 15": True,
            "' 1e3 ' == 1000": True,
            "'1_0' == 10": False,
            "'nan' == 0": False,
            "'' == 0": True,
            "+1.5 == 1.5": True,
            ".5 < 1": True,
            "-Infinity < 0": True,
            "'Infinity' > 1": True,
            "1 < 2 == true": True,
            "'ı' == 'i'": False,
            "github.event == github.event": True,
            "github.event == fromJSON('{}')": False,
            "fromJSON('[]') < 1": False,
            "fromJSON('{}') && 'yes'": "yes",
        }.items():
            with self.subTest(source=source):
                self.assertEqual(evaluate(source, _CONTEXTS), expected)

    def test_functions_are_those_of_githubs_evaluator(self) -> None:
        # https://github.com/actions/languageservices/tree/main/expressions/src/funcs; `make fidelity` asks it
        for source, expected in {
            "format('{0', 1)": ExpressionError,
            "format('0}', 1)": ExpressionError,
            "format('{a}', 1)": ExpressionError,
            "format('{1}', 1)": ExpressionError,
            "format(1, 2)": "1",
            "contains('Object', github)": False,
            "startsWith(github, '')": False,
            "endsWith('x', fromJSON('[]'))": False,
            "join(github)": "",
            "join(fromJSON('[1,2]'), github)": "1,2",
            "toJSON(1)": "1",
            "toJSON('é')": '"é"',
            "fromJSON(1)": 1,
            "fromJSON('NaN')": ExpressionError,
            "fromJSON('{')": ExpressionError,
            "case(false, 1, true, 2, 3)": 2,
            "case(false, 1, 3)": 3,
            "case(1, 2, 3)": ExpressionError,
            "inputs . bucket": "Site",
            "github.event.commits[0] .id": "abc",
            "1 == .5": False,
        }.items():
            with self.subTest(source=source):
                if expected is ExpressionError:
                    self.assertRaises(ExpressionError, evaluate, source, _CONTEXTS)
                else:
                    self.assertEqual(evaluate(source, _CONTEXTS), expected)

    def test_numbers_in_text(self) -> None:
        for source, expected in {"0xff": "255", "1.50": "1.5", "1e21": "1E+21", "-0.0": "0", "0.1": "0.1"}.items():
            self.assertEqual(interpolate(f"${{{{ {source} }}}}", _CONTEXTS), expected)

    def test_filters(self) -> None:
        contexts = _CONTEXTS | {
            "needs": {"one": {"result": "success", "outputs": {}}, "two": {"result": "failure", "outputs": {"a": "b"}}},
            "list": [{"a": [1, 2]}, {"a": [3]}, {"b": 4}],
        }
        for source, expected in {
            "needs.two.result": "failure",
            "needs.*.result": ["success", "failure"],
            "contains(needs.*.result, 'failure')": True,
            "join(needs.*.result)": "success,failure",
            "list.*.a": [[1, 2], [3]],
            "list.*.a[0]": [1, 3],
            "list.*.a.*": [1, 2, 3],
            "list[*].b": [4],
            "needs.one.*.x": [],
            "github.run_number.*": [],
            "list['1'].a[0]": 3,
            "list[9]": None,
        }.items():
            with self.subTest(source=source):
                self.assertEqual(evaluate(source, contexts), expected)

    def test_interpolation(self) -> None:
        self.assertEqual(interpolate("s3://${{ inputs.bucket }}/${{ inputs.empty }}", _CONTEXTS), "s3://Site/")
        self.assertEqual([interpolate(value, _CONTEXTS) for value in (True, 7, None)], ["true", "7", ""])

    def test_conditions_mean_success_unless_they_say_otherwise(self) -> None:
        failed = _CONTEXTS | {"job": {"status": "failure"}}
        self.assertTrue(condition(None, _CONTEXTS))
        self.assertFalse(condition(None, failed))
        self.assertFalse(condition("inputs.bucket == 'site'", failed))
        self.assertTrue(condition("${{ failure() && steps.one.outcome == 'failure' }}", failed))
        self.assertTrue(condition("always()", failed))
        self.assertFalse(condition("contains('always()', 'a')", failed))


class Commands(unittest.TestCase):
    """`::error::` and its like."""

    def log(self, *lines: str, secrets: tuple[str, ...] = ()) -> Log:
        """A log that has taken these lines."""
        log = Log(Masker(list(secrets)))
        for line in lines:
            log.write(line)
        return log

    def test_current_form_stands_at_the_start_of_a_line(self) -> None:
        (command,) = self.log("  ::error title=a%3Ab%2Cc,file=x::50%25%0Amore", "text ::error::no").commands
        self.assertEqual((command.properties, command.data), ({"title": "a:b,c", "file": "x"}, "50%\nmore"))

    def test_older_form_acts_anywhere_in_a_line(self) -> None:
        command = parse("some text ##[error code=1;x=%3B]told%5D", {"error"})
        assert command
        self.assertEqual((command.name, command.properties, command.data), ("error", {"code": "1", "x": ";"}, "told]"))

    def test_unknown_commands_are_text(self) -> None:
        log = self.log("::nope::x", "##[nope]x", "::error no end")
        self.assertEqual((log.commands, len(log.lines)), ([], 3))

    def test_secrets_are_masked_from_then_on_line_by_line(self) -> None:
        log = self.log("early second", "::add-mask::first%0Asecond", "late first and second", secrets=("known",))
        self.assertEqual(log.lines, ["early second", "late *** and ***"])
        self.assertEqual(log.masker.mask("known"), "***")

    def test_stopped_commands_do_nothing(self) -> None:
        log = self.log("::stop-commands::token", "::error::x", "::add-mask::x", "::token::", "::notice::y")
        self.assertEqual([each.name for each in log.commands], ["stop-commands", "notice"])

    def test_disabled_commands_fail_the_step(self) -> None:
        log = self.log("::set-env name=A::b")
        self.assertTrue(log.failed)

    def test_old_outputs_still_work(self) -> None:
        self.assertEqual(self.log("::set-output name=a::b").outputs, {"a": "b"})


class Files(unittest.TestCase):
    """GITHUB_OUTPUT and GITHUB_ENV."""

    def test_pairs_and_blocks(self) -> None:
        text = "a=b=c\n\nd<<END\nline 1\n\nend\nEND\ne=\nf<<X\nX\n"
        self.assertEqual(parse_pairs(text), {"a": "b=c", "d": "line 1\n\nend", "e": "", "f": ""})

    def test_what_is_wrong_is_said_as_the_runner_says_it(self) -> None:
        for text, message in {
            "nothing": "Invalid format 'nothing'",
            "=x": "Invalid format '=x'. Name must not be empty",
            "<<x": "Invalid format '<<x'. Name must not be empty and delimiter must not be empty",
            "a<<END\nb": "Invalid value. Matching delimiter not found 'END'",
        }.items():
            with self.subTest(text=text), self.assertRaises(ValueError) as raised:
                parse_pairs(text)
            self.assertEqual(str(raised.exception), message)


if __name__ == "__main__":
    unittest.main()
