"""Whole runs of an action and of a workflow, through the command line."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

_TESTS = Path(__file__).parents[2]

_ACTION = """
inputs:
  name: {description: n, default: "${{ github.repository }}"}
  token: {description: t, default: "${{ github.token }}"}
  old: {description: o, deprecationMessage: use `name` instead}
outputs:
  out: {description: o, value: "${{ steps.main.outputs.out }}"}
runs:
  using: composite
  steps:
    - id: main
      shell: sh
      env:
        INPUT_NAME_GIVEN: ${{ inputs.name }}
        INPUT_TOKEN_GIVEN: ${{ inputs.token }}
      run: exec "$GITHUB_ACTION_PATH/main"
"""


class RunTestCase(unittest.TestCase):
    """A test with an action whose program it writes."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)
        self.action = self.root / "action"
        self.action.mkdir()
        (self.action / "action.yml").write_text(_ACTION)

    def program(self, *lines: str) -> None:
        """Write the program that the action execs."""
        program = self.action / "main"
        program.write_text("\n".join(("#!/bin/sh", *lines)))
        program.chmod(0o755)

    def run_job(self, *arguments: str, **job: Any) -> dict[str, Any]:
        """Run the harness and give what it prints."""
        places = {"workspace": str(self.root / "workspace"), "temp": str(self.root / "temp")}
        described = self.root / "job.json"
        described.write_text(json.dumps({"action": str(self.action), **places, **job}))
        command = [sys.executable, "-m", "runner", str(described), *arguments]
        done = subprocess.run(command, cwd=_TESTS, env=os.environ | {"LEAKED": "1"}, capture_output=True, check=True)
        result: dict[str, Any] = json.loads(done.stdout)
        return result


class Actions(RunTestCase):
    """One `uses:` step."""

    def test_step_sees_its_inputs_and_the_jobs_environment_and_nothing_else(self) -> None:
        self.program("env", 'pwd > "$RUNNER_TEMP/pwd"')
        result = self.run_job(env={"STEP": "env"}, secrets=["never shown"])
        seen = dict(line.split("=", 1) for line in result["log"].split("\n"))
        self.assertEqual((seen["STEP"], seen["INPUT_NAME_GIVEN"]), ("env", "octo-org/octo-repo"))
        self.assertEqual(seen["INPUT_TOKEN_GIVEN"], "***")
        self.assertEqual((seen["GITHUB_ACTION_PATH"], seen["RUNNER_OS"]), (str(self.action.resolve()), "Linux"))
        self.assertEqual((seen["GITHUB_REF_NAME"], seen["GITHUB_REPOSITORY_OWNER"]), ("main", "octo-org"))
        self.assertEqual(json.loads(Path(seen["GITHUB_EVENT_PATH"]).read_text()), {})
        for name in ("LEAKED", "GITHUB_TOKEN", "INPUT_NAME", "ACTIONS_ID_TOKEN_REQUEST_URL"):
            self.assertNotIn(name, seen)
        self.assertEqual((self.root / "temp/pwd").read_text().strip(), str((self.root / "workspace").resolve()))

    def test_id_token_variables_come_with_the_permission(self) -> None:
        self.program('echo "$ACTIONS_ID_TOKEN_REQUEST_URL $ACTIONS_ID_TOKEN_REQUEST_TOKEN"')
        self.assertEqual(self.run_job(id_token={"url": "http://x?v=1", "token": "t"})["log"], "http://x?v=1 t")

    def test_what_the_step_leaves_behind(self) -> None:
        self.program(
            'echo "out=value" >> "$GITHUB_OUTPUT"',
            'echo "# Summary" >> "$GITHUB_STEP_SUMMARY"',
            'echo "NEW=1" >> "$GITHUB_ENV"',
            'echo "::notice title=t::told"',
        )
        result = self.run_job()
        self.assertEqual((result["result"], result["exit_code"]), ("success", 0))
        self.assertEqual(result["outputs"], {"out": "value"})
        self.assertEqual((result["summary"], result["env"]), ("# Summary\n", {"NEW": "1"}))
        self.assertEqual(
            result["commands"], [{"command": "notice", "properties": {"title": "t"}, "message": "told"}]
        )

    def test_exit_code_fails_the_step_and_outputs_stay(self) -> None:
        self.program('echo "out=kept" >> "$GITHUB_OUTPUT"', "exit 3")
        result = self.run_job()
        self.assertEqual((result["result"], result["exit_code"], result["outputs"]), ("failure", 3, {"out": "kept"}))
        self.assertEqual(result["runner_issues"][-1]["message"], "Process completed with exit code 3.")

    def test_broken_output_file_fails_the_step(self) -> None:
        self.program('echo "no pair" >> "$GITHUB_OUTPUT"')
        result = self.run_job()
        self.assertEqual(result["result"], "failure")
        self.assertEqual(result["runner_issues"][-1]["message"], "Invalid format 'no pair'")

    def test_summary_over_the_limit_is_dropped_whole(self) -> None:
        self.program('head -c 1048577 /dev/zero | tr "\\0" x > "$GITHUB_STEP_SUMMARY"')
        result = self.run_job()
        self.assertEqual((result["summary"], result["result"]), ("", "success"))
        self.assertIn("upload aborted, supports content up to a size of 1024k", result["runner_issues"][0]["message"])

    def test_inputs_are_checked_as_the_runner_checks_them(self) -> None:
        self.program("exit 0")
        result = self.run_job(**{"with": {"NAME": "", "old": "x", "nmae": "y"}})
        self.assertEqual(
            [each["message"] for each in result["runner_issues"]],
            [
                "Input 'old' has been deprecated with message: use `name` instead",
                "Unexpected input(s) 'nmae', valid inputs are ['name', 'token', 'old']",
            ],
        )
        self.assertIn("INPUT_NAME_GIVEN: \n", result["runner_log"])

    def test_carriage_return_alone_ends_a_line(self) -> None:
        self.program("printf 'text\\r::warning::hidden\\r\\nlast'")
        result = self.run_job()
        self.assertEqual(result["log"], "text\n##[warning]hidden\nlast")

    def test_cancelled_process_gets_the_signal_itself(self) -> None:
        self.program("trap 'echo stopped; exit 130' INT", "echo ready", "while :; do sleep 0.05; done")
        result = self.run_job(signals=[{"signal": "CANCEL", "when": "ready"}])
        self.assertEqual((result["result"], result["exit_code"]), ("cancelled", 130))
        self.assertTrue(result["log"].endswith("stopped"))

    def test_detached_process_loses_its_reader_and_gets_no_signal(self) -> None:
        self.program("trap '' PIPE", "echo ready", "while echo more; do sleep 0.05; done", "exit 130")
        result = self.run_job(signals=[{"signal": "DETACH", "when": "ready"}])
        self.assertEqual((result["result"], result["exit_code"]), ("cancelled", 130))

    def test_timeout_ends_the_step(self) -> None:
        self.program("trap 'exit 1' INT", "while :; do sleep 0.05; done")
        result = self.run_job(timeout=0.3)
        self.assertEqual(result["result"], "failure")
        self.assertIn("The action has timed out.", result["runner_log"])

    def test_killed_process(self) -> None:
        self.program("echo ready", "while :; do sleep 0.05; done")
        self.assertEqual(self.run_job(signals=[{"signal": "KILL", "when": "ready"}])["exit_code"], -9)


class Workflows(RunTestCase):
    """A job of a workflow."""

    def run_workflow(self, text: str, *arguments: str, **job: Any) -> dict[str, Any]:
        """Run a workflow; the checkout holds the file `site.txt`."""
        checkout = self.root / "checkout"
        checkout.mkdir(exist_ok=True)
        (checkout / "site.txt").write_text("site")
        workflow = self.root / "workflow.yml"
        workflow.write_text(text)
        return self.run_job("--workflow", str(workflow), *arguments, checkout=str(checkout), **job)

    def test_steps_run_with_contexts_conditions_and_outputs(self) -> None:
        self.program('cat site.txt; echo "out=$FROM_STEP" >> "$GITHUB_OUTPUT"', "exit 1")
        result = self.run_workflow(
            """
            on: push
            env: {A: "${{ vars.a }}"}
            jobs:
              one:
                runs-on: ubuntu-latest
                outputs: {told: "${{ steps.use.outputs.out }}"}
                steps:
                  - uses: actions/checkout@0000
                  - id: make
                    run: echo "label=$A-${{ secrets.s }}" >> "$GITHUB_OUTPUT"
                  - id: use
                    uses: OWNER/aws-web-deploy@v1
                    continue-on-error: true
                    env: {FROM_STEP: "${{ steps.make.outputs.label }}"}
                  - if: ${{ steps.use.outcome == 'failure' }}
                    run: echo "after [$FROM_STEP]"
                  - if: failure()
                    run: exit 9
            """,
            contexts={"secrets": {"s": "s3cr3t"}, "vars": {"a": "x"}},
        )
        self.assertEqual((result["result"], result["outputs"]), ("success", {"told": "x-s3cr3t"}))
        self.assertEqual(result["log"], "site\nafter []")
        self.assertNotIn("s3cr3t", result["runner_log"])
        self.assertEqual(result["ran"], ["actions/checkout@0000", "run", "OWNER/aws-web-deploy@v1", "run"])

    def test_job_is_chosen_and_gets_an_id_token_only_with_the_permission(self) -> None:
        text = """
            on: push
            jobs:
              with: {permissions: {id-token: write}, steps: [{run: 'echo "$ACTIONS_ID_TOKEN_REQUEST_TOKEN"'}]}
              without: {permissions: {}, steps: [{run: 'echo "[$ACTIONS_ID_TOKEN_REQUEST_TOKEN]"'}]}
            """
        token = {"id_token": {"url": "u", "token": "t0ken"}}
        self.assertEqual(self.run_workflow(text, "--job-name", "with", **token)["log"], "t0ken")
        self.assertEqual(self.run_workflow(text, "--job-name", "without", **token)["log"], "[]")

    def test_failed_step_skips_the_rest(self) -> None:
        text = "jobs: {a: {steps: [{run: exit 4}, {run: echo no}, {if: 'always()', run: echo yes}]}}"
        result = self.run_workflow(text)
        self.assertEqual((result["result"], result["exit_code"], result["log"]), ("failure", 4, "yes"))

    def test_job_goes_by_the_results_of_those_it_needs(self) -> None:
        text = "jobs: {a: {needs: [one, two], %s steps: [{run: 'echo ${{ join(needs.*.result) }}'}]}}"
        for when, two, expected in (
            ("", "success", "success,success"),
            ("", "failure", ""),
            ("", "skipped", ""),
            ("if: failure(),", "failure", "success,failure"),
            ("if: 'always()',", "cancelled", "success,cancelled"),
            ("if: \"needs.two.result == 'failure'\",", "failure", ""),
            ("if: \"!cancelled() && needs.one.result == 'success'\",", "skipped", "success,skipped"),
        ):
            with self.subTest(when=when, two=two):
                result = self.run_workflow(text % when, contexts={"needs": {"one": {"result": "success"}, "two": {"result": two}}})
                self.assertEqual(result["log"], expected)
        for needs in ({}, {"one": {"result": "success"}}, {"one": {"result": "success"}, "two": {"result": "fine"}}):
            with self.assertRaises(subprocess.CalledProcessError):
                self.run_workflow(text % "", contexts={"needs": needs})

    def test_unknown_actions_are_refused(self) -> None:
        with self.assertRaises(subprocess.CalledProcessError):
            self.run_workflow("jobs: {a: {steps: [{uses: other/thing@v1}]}}")
        result = self.run_workflow("jobs: {a: {steps: [{uses: other/thing@v1}]}}", skip=["other/thing"])
        self.assertEqual(result["result"], "success")


if __name__ == "__main__":
    unittest.main()
