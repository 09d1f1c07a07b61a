#!/usr/bin/env bash
#
# Measures the worker on this machine, with a PostgreSQL and a RabbitMQ of its own. See bench/README.md.
#
#   ./bench/run.sh [--leads 5000] [--warm-up 1000] [--workers 1] [--runs 3] [--hand-over 256] [--prefetch 256]
#                  [--statements] [--profile FOLDER] [--embedded] [--json]
#   ./bench/run.sh --grounding [--json]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Beside the servers of the tests, never on them.
export LEADPIPELINE_SERVERS_DIR=${LEADPIPELINE_BENCH_SERVERS_DIR:-${TMPDIR:-/tmp}/leadpipeline-bench-$UID}
export LEADPIPELINE_PG_PORT=25532 LEADPIPELINE_MQ_PORT=25782 LEADPIPELINE_MQ_UI_PORT=25783
export LEADPIPELINE_MQ_DIST_PORT=25784 LEADPIPELINE_MQ_EPMD_PORT=25785

[ -n "${BENCH_NO_BUILD:-}" ] || dotnet build bench/Bench.csproj -c Release -v q --nologo >&2
trap 'ops/scripts/servers.sh clean >&2' EXIT
case " $* " in
  *" --embedded "* | *" --grounding "*) trap - EXIT ;;
  *)
    started=$(ops/scripts/servers.sh start)
    eval "$started"
    ;;
esac
dotnet bench/bin/Release/net10.0/LeadPipeline.Bench.dll "$@"
