#!/usr/bin/env bash
# Installs, builds, checks and tests everything, and ends with the sum: "N passed, N failed".
# What has not changed since it last passed is not run again.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
trap 'exit 130' INT

stop() {
  echo "$1" >&2
  echo '0 passed, 1 failed'
  exit 1
}

if [ $# -gt 0 ]; then
  echo 'usage: scripts/test.sh   (no arguments; CONTRIBUTING.md tells how to run one test)' >&2
  exit 2
fi
command -v node >/dev/null || stop 'test.sh: node was not found; install Node 20.19 or newer.'
node scripts/setup.mjs || stop 'test.sh: nothing was tested.'

PATH="$PWD/node_modules/.bin:$PATH"
export TURBO_TELEMETRY_DISABLED=1 DO_NOT_TRACK=1
# Part of what the results are kept under: another Node is another result.
DLE_TEST_NODE="$(node --version)"
export DLE_TEST_NODE
[ -t 1 ] || export NO_COLOR=1

failed_steps=()
step() {
  local name=$1
  shift
  echo "── $name"
  "$@" || failed_steps+=("$name")
}

step 'lint' biome check --error-on-warnings .
step 'types of the tests' turbo run typecheck --output-logs=errors-only --continue
step 'types of the scripts' tsc -p scripts
step 'tidy' node scripts/tidy.mjs
step 'dead files, exports and dependencies' knip
step 'packages as their users get them' node scripts/check-packages.mjs

# One package at a time: tests that start servers must not starve each other on a small machine.
find packages apps scripts -name .test-report.json -not -path '*/node_modules/*' -delete
step 'tests' turbo run test test-scripts --concurrency=1 --output-logs=new-only --continue

node scripts/sum-reports.mjs ${failed_steps[@]+"${failed_steps[@]}"}
