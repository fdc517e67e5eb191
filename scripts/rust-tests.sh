#!/bin/sh
# Runs all Rust tests, then says which took longest: from the start of their first local cloud to the end of their last.
set -eu
cd "$(dirname -- "$0")/.."
mkdir -p target
AWD_TEST_TIMES=$PWD/target/test-times
# Most tests wait for their cloud, and most of the time at that.
RUST_TEST_THREADS=${RUST_TEST_THREADS:-$((2 * $(nproc)))}
export AWD_TEST_TIMES RUST_TEST_THREADS
: >"$AWD_TEST_TIMES"

cargo test --locked --quiet

echo 'longest integration tests:'
awk -F'\t' '
  !($1 in start) || $2 < start[$1] { start[$1] = $2 }
  $3 > end[$1] { end[$1] = $3 }
  END { for (test in start) printf "%6.1f s  %s\n", end[test] - start[test], test }
' "$AWD_TEST_TIMES" | sort -rn | head -n 20
