#!/usr/bin/env bash
#
# Builds the solution and runs all of its tests, with a real PostgreSQL and a real RabbitMQ.
#
#   ./test.sh [--fast] [--filter EXPRESSION] [--keep-servers]
#
#   --fast          no servers: only the test projects that need none
#   --filter        passed on to "dotnet test", for example  --filter FullyQualifiedName~Grounding
#   --keep-servers  leaves the servers running for the next time
#
# With CI=true it also checks the formatting, and counts a fault there as a failure.
# Near its end it repeats what failed, and names the tests that took longest.
# The last line is  N passed, N failed, N skipped;  the exit code is not 0 unless all is well.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

fast= filter= keep_servers=
while [ $# -gt 0 ]; do
  case $1 in
    --fast) fast=yes ;;
    --keep-servers) keep_servers=yes ;;
    --filter) [ $# -gt 1 ] || { echo "test.sh: --filter needs an expression" >&2; exit 2; }; filter=$2; shift ;;
    --filter=*) filter=${1#*=} ;;
    *) awk 'NR > 2 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0" >&2; exit 2 ;;
  esac
  shift
done

passed=0 failed=0 skipped=0
faults=() result_files=()
say() { printf '\n== %s\n' "$*"; }
fail() { failed=$((failed + 1)); faults+=("$*"); say "FAILED: $*"; }

# ------------------------------------------------------------------------------------------------- coming and going

work=$(mktemp -d "${TMPDIR:-/tmp}/leadpipeline-test.XXXXXX")
servers=ops/scripts/servers.sh
servers_job=
servers_are_ours=
browser_job=
format_job=
running=

# Bash handles a signal only between commands, unless it is waiting: so the long ones run in the background.
run() {
  "$@" </dev/null &
  running=$!
  local status=0
  wait "$running" || status=$?
  running=
  return "$status"
}

stop_servers() {
  if [ -n "$servers_job" ]; then
    kill "$servers_job" 2>/dev/null || true
    wait "$servers_job" 2>/dev/null || true
    servers_job=
  fi
  if [ -n "$servers_are_ours" ] && [ -z "$keep_servers" ]; then
    # After a failure the logs and the data stay for a look.
    if [ "$failed" = 0 ]; then "$servers" clean; else "$servers" stop; fi || true
  fi
  servers_are_ours=
}

finish() { # nothing may be printed after its last line
  if [ -n "$format_job" ]; then kill "$format_job" 2>/dev/null || true; fi
  stop_servers
  report_results || true
  rm -rf "$work"
  trap - EXIT
  printf '\n%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
  if [ "$failed" -gt 0 ]; then exit 1; fi
  exit 0
}
trap 'fail "test.sh itself, at line $LINENO"; finish' EXIT
trap 'if [ -n "$running" ]; then kill "$running" 2>/dev/null || true; fi; fail "interrupted"; finish' INT TERM

# --------------------------------------------------------------------------------------------------------- the parts

require_dotnet() {
  # The .NET install script puts it here and leaves PATH alone.
  if ! command -v dotnet >/dev/null && [ -x "$HOME/.dotnet/dotnet" ]; then export PATH="$HOME/.dotnet:$PATH"; fi
  local version
  if ! command -v dotnet >/dev/null; then
    fail "there is no dotnet here. LeadPipeline needs the .NET 10 SDK:
   Ubuntu:  sudo apt-get install dotnet-sdk-10.0
   others:  curl -sSL https://dot.net/v1/dotnet-install.sh | bash -s -- --channel 10.0
   or see   https://dotnet.microsoft.com/download/dotnet/10.0"
    finish
  fi
  if ! version=$(dotnet --version 2>&1); then
    fail "this dotnet has no SDK that global.json accepts (10.0): https://dotnet.microsoft.com/download/dotnet/10.0
$version"
    finish
  fi
  echo "dotnet $version, $(nproc) processors"
}

start_servers() { # in the background, so that they come up while the solution is built
  if [ -n "${LEADPIPELINE_TEST_DATABASE:-}" ] && [ -n "${LEADPIPELINE_TEST_BROKER:-}" ] && [ -n "${LEADPIPELINE_TEST_BROKER_UI:-}" ]; then
    echo "servers: those named by LEADPIPELINE_TEST_DATABASE, LEADPIPELINE_TEST_BROKER and LEADPIPELINE_TEST_BROKER_UI"
    return
  fi
  # Servers that somebody already uses are not ours to stop.
  if ! "$servers" status >/dev/null 2>&1; then servers_are_ours=yes; fi
  "$servers" start >"$work/servers.env" 2>"$work/servers.log" &
  servers_job=$!
}

await_servers() {
  [ -n "$servers_job" ] || return 0
  local job=$servers_job
  servers_job=
  if wait "$job"; then
    grep ': ready' "$work/servers.log" || true
    # shellcheck disable=SC1091  # written by servers.sh
    . "$work/servers.env"
  else
    cat "$work/servers.log"
    fail "the servers could not be started (above: why)"
  fi
}

has_browser() { [ -n "${LEADPIPELINE_CHROMIUM:-}" ] || command -v chromium chromium-browser google-chrome-stable google-chrome >/dev/null; }

# The tests of the console ignore themselves where there is no Chromium, and say so.
get_browser() { # in the background, while the solution is built
  local sudo=()
  if has_browser; then return; fi
  if [ "$UID" != 0 ]; then
    if ! sudo -n true 2>/dev/null; then echo "browser: none, and installing one needs root"; return; fi
    sudo=(sudo -n)
  fi
  if ! command -v apt-get >/dev/null; then echo "browser: none, and no apt-get to install Chromium with"; return; fi
  echo "browser: installing chromium"
  # Apt has one lock, and who finds it taken gives up: the servers go first.
  {
    while [ -n "$servers_job" ] && kill -0 "$servers_job" 2>/dev/null; do sleep 1; done
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive bash -c 'apt-get update -q && apt-get install -q -y --no-install-recommends chromium fonts-dejavu-core'
  } >"$work/browser.log" 2>&1 &
  browser_job=$!
}

await_browser() {
  [ -n "$browser_job" ] || return 0
  local job=$browser_job
  browser_job=
  wait "$job" || { tail -n 5 "$work/browser.log"; echo "browser: Chromium could not be installed"; }
}

# What is here, or can be had, may not be missing without a failure.
require_browser() {
  if has_browser && timeout 20 npm view --fetch-retries=0 axe-core name >/dev/null 2>&1; then export LEADPIPELINE_REQUIRE_BROWSER=yes; fi
}

build() {
  say "dotnet build"
  # No build server may outlive us: it would hold our output open, and a caller's pipe would never end.
  run dotnet build LeadPipeline.sln -c Release -m:2 -nologo -v q -nodeReuse:false -p:UseSharedCompilation=false
}

# The tests of servers wait more than they work: what they leave of the processors is enough for this.
check_format() { # in the background
  nice -n 19 dotnet format LeadPipeline.sln --verify-no-changes --no-restore </dev/null >"$work/format.log" 2>&1 &
  format_job=$!
}

await_format() {
  [ -n "$format_job" ] || return 0
  say "dotnet format --verify-no-changes"
  local status=0
  wait "$format_job" || status=$?
  format_job=
  cat "$work/format.log"
  [ "$status" = 0 ] || fail "the formatting: run 'dotnet format'"
}

# The sum of an attribute over the <Counters> of result files; a file has one such element.
counted() { sed -n 's/.*<Counters .* *\b'"$1"'="\([0-9]*\)".*/\1/p' "${@:2}" | awk '{ sum += $1 } END { print sum + 0 }'; }

# The tests of result files, a line each: seconds, outcome, class and name; after one that did not pass, indented, how its message begins.
list_tests() {
  LC_ALL=C awk '
    function plain(text) {
      gsub(/&lt;/, "<", text); gsub(/&gt;/, ">", text); gsub(/&quot;/, "\"", text); gsub(/&#x[0-9A-F]+;/, " ", text); gsub(/&amp;/, "\\&", text)
      if (length(text) <= 240) return text
      text = substr(text, 1, 240)
      sub(/[\200-\377]+$/, "", text) # rather than half a letter
      return text " ..."
    }
    function value(name) { return match($0, " " name "=\"[^\"]*\"") ? plain(substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4)) : "" }
    /<UnitTestResult / {
      id[++n] = value("testId"); outcome[n] = value("outcome"); name[n] = value("testName")
      split(value("duration"), time, ":"); seconds[n] = time[1] * 3600 + time[2] * 60 + time[3]
    }
    /<Message>/ { reading = outcome[n] !~ /^(Passed|NotExecuted)$/; lines = 0; sub(/^.*<Message>/, "") }
    reading {
      last = sub(/<\/Message>.*$/, "")
      if (/[^ ]/ && lines++ < 6) message[n] = message[n] "\n    " plain($0)
      if (last) reading = 0
    }
    /<UnitTest / { test = value("id") }
    /<TestMethod / { class[test] = value("className"); sub(/^.*\./, "", class[test]) }
    END { for (i = 1; i <= n; i++) printf "%.1f s\t%s\t%s.%s%s\n", seconds[i], outcome[i], class[id[i]], name[i], message[i] }
  ' "$@"
}

# What somebody who sees only the end of the output has to know.
report_results() {
  if [ ${#result_files[@]} -gt 0 ]; then
    list_tests "${result_files[@]}" >"$work/tests"
    say "the slowest tests"
    grep -v '^    ' "$work/tests" | sort -t "$(printf '\t')" -k 1,1nr | awk -F '\t' 'NR <= 10 { printf "%8s  %s\n", $1, $3 }'
  fi
  if [ "$failed" -gt 0 ]; then
    say "what failed"
    [ ${#faults[@]} = 0 ] || printf '%s\n' "${faults[@]}"
    [ ! -s "$work/tests" ] || awk -F '\t' '
      !/^    / { shown = $2 !~ /^(Passed|NotExecuted)$/ && ++all <= 6; if (shown) print $3; next }
      shown
      END { if (all > 6) print "and " all - 6 " more" }' "$work/tests"
  fi
}

test_project() { # test_project PROJECT_FILE
  local name results status=0 total executed ok bad arguments=()
  name=$(basename "$1" .csproj)
  results=TestResults/$name
  say "$name"
  rm -rf "$results"
  mkdir -p "$results"
  [ -z "$filter" ] || arguments=(--filter "$filter")
  run dotnet test "$1" -c Release --no-build -nologo --logger "console;verbosity=minimal" --logger "trx;LogFileName=results.trx" \
    --results-directory "$results" "${arguments[@]}" || status=$?
  if [ ! -s "$results/results.trx" ]; then
    # No file and no error: there was nothing to run.
    [ "$status" = 0 ] || fail "$name ended with exit code $status and without results"
    return 0
  fi
  result_files+=("$results/results.trx")
  total=$(counted total "$results/results.trx")
  executed=$(counted executed "$results/results.trx")
  ok=$(counted passed "$results/results.trx")
  bad=$((executed - ok))
  passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + total - executed))
  # Every test passed and yet not all was well: a crash of the test host, or a fault in a tear-down.
  if [ "$status" != 0 ] && [ "$bad" = 0 ]; then fail "$name ended with exit code $status"; fi
}

# ---------------------------------------------------------------------------------------------------------- the run

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1
require_dotnet
[ -n "$fast" ] || start_servers
get_browser
if ! build; then
  fail "the build"
  finish
fi
await_servers
await_browser
require_browser
if [ "${CI:-}" = true ]; then check_format; fi
for project in tests/*/*.csproj; do
  grep -q '<IsTestProject>true' "$project" || continue
  if [ -n "$fast" ] && grep -q '<UsesServers>true' "$project"; then continue; fi
  test_project "$project"
done
await_format
if [ -z "$filter" ] && [ $((passed + failed)) = 0 ]; then fail "not one test was run"; fi
finish
