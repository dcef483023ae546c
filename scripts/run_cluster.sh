#!/usr/bin/env bash
# Installs, builds, and starts a dle cluster on this machine. --help tells the rest.
if ! command -v node >/dev/null; then
  echo 'run_cluster.sh: node was not found; install Node 20.19 or newer.' >&2
  exit 1
fi
exec node "$(dirname "$0")/run-cluster.mjs" "$@"
