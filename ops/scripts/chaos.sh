#!/usr/bin/env bash
#
# Lets everything fail at once for a while, and says whether both promises were kept. See docs/RELIABILITY.md.
#
#   ops/scripts/chaos.sh [--leads N] [--workers N] [--minutes N] [--seed N] [--report FILE]
#
#   --leads     leads that are posted                      2000
#   --workers   workers at once                            3
#   --minutes   for how long things are done to them       25
#   --seed      what everything follows from               a new one, which is printed
#   --report    a file that the report is added to         chaos-report.txt
#
# It starts a PostgreSQL and a RabbitMQ of its own through servers.sh and removes them at the end. The exit code is 0 when
# all promises were kept.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

export LEADPIPELINE_CHAOS_LEADS=2000 LEADPIPELINE_CHAOS_WORKERS=3 LEADPIPELINE_CHAOS_SECONDS=1500 LEADPIPELINE_CHAOS_SEED LEADPIPELINE_CHAOS_REPORT
LEADPIPELINE_CHAOS_SEED=$((RANDOM * 32768 + RANDOM + 1))
LEADPIPELINE_CHAOS_REPORT=$PWD/chaos-report.txt
while [ $# -gt 0 ]; do
  [ $# -gt 1 ] || { awk 'NR > 2 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0" >&2; exit 2; }
  case $1 in
    --leads) LEADPIPELINE_CHAOS_LEADS=$2 ;;
    --workers) LEADPIPELINE_CHAOS_WORKERS=$2 ;;
    --minutes) LEADPIPELINE_CHAOS_SECONDS=$(($2 * 60)) ;;
    --seed) LEADPIPELINE_CHAOS_SEED=$2 ;;
    --report) LEADPIPELINE_CHAOS_REPORT=$(realpath -m "$2") ;;
    *) awk 'NR > 2 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0" >&2; exit 2 ;;
  esac
  shift 2
done

# Ports and a folder of its own, so that it does not kill the servers of somebody's tests.
export LEADPIPELINE_SERVERS_DIR=${LEADPIPELINE_CHAOS_SERVERS_DIR:-${TMPDIR:-/tmp}/leadpipeline-chaos-$UID}
export LEADPIPELINE_PG_PORT=${LEADPIPELINE_CHAOS_PG_PORT:-25832} LEADPIPELINE_MQ_PORT=${LEADPIPELINE_CHAOS_MQ_PORT:-26082}
export LEADPIPELINE_MQ_UI_PORT=$((LEADPIPELINE_MQ_PORT + 1)) LEADPIPELINE_MQ_DIST_PORT=$((LEADPIPELINE_MQ_PORT + 2)) LEADPIPELINE_MQ_EPMD_PORT=$((LEADPIPELINE_MQ_PORT + 3))
unset LEADPIPELINE_TEST_DATABASE LEADPIPELINE_TEST_BROKER LEADPIPELINE_TEST_BROKER_UI

trap 'ops/scripts/servers.sh clean >/dev/null 2>&1 || true' EXIT
echo "chaos: $LEADPIPELINE_CHAOS_LEADS leads, $LEADPIPELINE_CHAOS_WORKERS workers, ${LEADPIPELINE_CHAOS_SECONDS} s, seed $LEADPIPELINE_CHAOS_SEED"
servers=$(ops/scripts/servers.sh start)
eval "$servers"
status=0
dotnet test tests/Chaos.Tests -c Release -v q -nologo --filter FullyQualifiedName~When_everything_fails_at_once || status=$?
tail -n 40 "$LEADPIPELINE_CHAOS_REPORT" 2>/dev/null || true
exit "$status"
