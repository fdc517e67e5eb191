#!/bin/sh
# Fuzzes the parsers of fuzz/, one after another or those that are named, each for $TIME seconds (60). What is found is left in
# fuzz/artifacts/, what was learned in target/fuzz-corpus/. `make fuzz` installs the tool.
set -eu
cd "$(dirname -- "$0")/.."
PATH=$PWD/target/fuzz-tools/bin:$PATH
toolchain=${FUZZ_TOOLCHAIN:-nightly}

if [ $# -eq 0 ]; then
  for file in fuzz/fuzz_targets/*.rs; do set -- "$@" "$(basename "$file" .rs)"; done
fi
for target do
  echo "==> $target"
  mkdir -p "target/fuzz-corpus/$target"
  # Ten seconds or a gigabyte for 4 KB is a finding as well as a panic.
  cargo "+$toolchain" fuzz run --target-dir target/fuzz "$target" "target/fuzz-corpus/$target" "fuzz/seeds/$target" -- \
    -max_total_time="${TIME:-60}" -max_len=4096 -timeout=10 -rss_limit_mb=1024 -verbosity=0 -print_final_stats=1
done
