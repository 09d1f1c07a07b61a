#!/usr/bin/env bash
#
# Measures the worker on this machine, with a PostgreSQL and a RabbitMQ of its own. See bench/README.md.
#
#   ./bench/run.sh [--leads 5000] [--warm-up 1000] [--workers 1] [--runs 3] [--hand-over 256] [--prefetch 256]
#                  [--statements] [--profile FOLDER] [--embedded] [--json]
#   ./bench/run.sh --grounding [--json]
#   ./bench/run.sh --tools [--calls 500] [--vendor-leads 20]
#   ./bench/run.sh --door [--posts 20000] [--connections 64] [--runs 3] [--memory-posts 200000] [--profile FOLDER]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Beside the servers of the tests, never on them, and on other ports when two benches run at once.
port=${LEADPIPELINE_BENCH_PORT:-25532}
export LEADPIPELINE_SERVERS_DIR=${LEADPIPELINE_BENCH_SERVERS_DIR:-${TMPDIR:-/tmp}/leadpipeline-bench-$UID-$port}
export LEADPIPELINE_PG_PORT=$port LEADPIPELINE_MQ_PORT=$((port + 250)) LEADPIPELINE_MQ_UI_PORT=$((port + 251))
export LEADPIPELINE_MQ_DIST_PORT=$((port + 252)) LEADPIPELINE_MQ_EPMD_PORT=$((port + 253))

# The worker as the image has it: compiled ahead for this platform.
export LEADPIPELINE_WORKER=${LEADPIPELINE_WORKER:-$PWD/bench/out/leadpipeline.dll}
if [ -z "${BENCH_NO_BUILD:-}" ]; then
  dotnet build bench/Bench.csproj -c Release -v q --nologo >&2
  dotnet publish src/Worker/Worker.csproj -c Release --use-current-runtime --self-contained false -o bench/out -v q --nologo >&2
fi
trap 'ops/scripts/servers.sh clean >&2' EXIT
case " $* " in
  *" --embedded "* | *" --tools "* | *" --grounding "*) trap - EXIT ;;
  *)
    started=$(ops/scripts/servers.sh start)
    eval "$started"
    ;;
esac
dotnet bench/bin/Release/net10.0/LeadPipeline.Bench.dll "$@"
