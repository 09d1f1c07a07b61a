#!/usr/bin/env bash
#
# Measures the worker on this machine, with a PostgreSQL and a RabbitMQ of its own. See bench/README.md.
#
#   ./bench/run.sh [--leads 5000] [--warm-up 1000] [--workers 1,2,4] [--runs 3] [--hand-over 256] [--prefetch 256]
#                  [--floor] [--finished 1000000] [--statements] [--profile FOLDER] [--json]
#   ./bench/run.sh [--model-delay 500] [--crm-delay 200] [--in-flight 500] [--rate 50]   with any of the above
#   ./bench/run.sh --embedded [--leads 5000] [--runs 3] [--profile FOLDER] [--json]
#   ./bench/run.sh --flood 50000 [--connections 64]
#   ./bench/run.sh --recover 10000 [--runs 3]
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
  # Said outright: this way of naming the platform is known too late for the project to see that it is a publish for one. The bench too, since its floor is compared with the worker.
  for project in src/Worker/Worker.csproj:bench/out bench/Bench.csproj:bench/out/bench; do
    dotnet publish "${project%%:*}" -c Release --use-current-runtime --self-contained false -p:PublishReadyToRun=true -o "${project##*:}" -v q --nologo >&2
  done
fi
trap 'ops/scripts/servers.sh clean >&2' EXIT
case " $* " in
  *" --embedded "* | *" --tools "* | *" --grounding "*) trap - EXIT ;;
  *)
    started=$(ops/scripts/servers.sh start)
    eval "$started"
    ;;
esac
dotnet bench/out/bench/LeadPipeline.Bench.dll "$@"
