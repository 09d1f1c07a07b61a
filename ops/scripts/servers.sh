#!/usr/bin/env bash
#
# The PostgreSQL (pg) and RabbitMQ (mq) that the tests use.
#
#   servers.sh start   [pg] [mq]   starts them, waits until they answer, prints the export lines for the tests
#   servers.sh stop    [pg] [mq]   stops them in good order; the data stays for the next start
#   servers.sh restart [pg] [mq]   stop, then start
#   servers.sh status  [pg] [mq]   up, paused or down; exit code 3 unless all are up
#   servers.sh kill    [pg] [mq]   SIGKILL to the whole server, as a power cut would end it
#   servers.sh pause   [pg] [mq]   SIGSTOP: connections stay open and nothing answers
#   servers.sh resume  [pg] [mq]   SIGCONT
#   servers.sh clean   [pg] [mq]   stop, and remove the data
#
# Without a name: both. Use it as   eval "$(ops/scripts/servers.sh start)".
#
# Where the servers come from: Docker Compose if an engine answers, else what is installed here, else apt-get
# (as root, or through sudo without a password), else a message that says what to install.
# LEADPIPELINE_SERVERS=docker or =local takes the choice away.
#
# They listen on loopback only, on ports of their own, and keep everything in LEADPIPELINE_SERVERS_DIR.
# LEADPIPELINE_PG_OPTIONS is added to the command line of the PostgreSQL that is installed here, "-c max_wal_size=16GB" for example.
set -euo pipefail

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
dir=${LEADPIPELINE_SERVERS_DIR:-${TMPDIR:-/tmp}/leadpipeline-servers-$UID}

# Below 32768, where the ephemeral range begins: above it some client's socket may hold the port already.
# Not 25672 for the broker: that is where a RabbitMQ with default settings talks to its cluster.
export LEADPIPELINE_PG_PORT=${LEADPIPELINE_PG_PORT:-25432}
export LEADPIPELINE_MQ_PORT=${LEADPIPELINE_MQ_PORT:-25682}
export LEADPIPELINE_MQ_UI_PORT=${LEADPIPELINE_MQ_UI_PORT:-25683}
export LEADPIPELINE_TEST_PASSWORD=${LEADPIPELINE_TEST_PASSWORD:-leadpipeline-test}
mq_dist_port=${LEADPIPELINE_MQ_DIST_PORT:-25684}
mq_epmd_port=${LEADPIPELINE_MQ_EPMD_PORT:-25685}
pg_port=$LEADPIPELINE_PG_PORT mq_port=$LEADPIPELINE_MQ_PORT mq_ui_port=$LEADPIPELINE_MQ_UI_PORT
password=$LEADPIPELINE_TEST_PASSWORD
user=leadpipeline
ready_seconds=${LEADPIPELINE_SERVERS_TIMEOUT:-90}
stop_seconds=30

say() { printf '%s\n' "$*" >&2; }
die() { say "servers.sh: $*"; exit 1; }
usage() { awk 'NR > 2 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "${BASH_SOURCE[0]}" >&2; exit 2; }

# ---------------------------------------------------------------------------------------------------- processes

# A zombie is dead, but `kill -0` says that it lives, and in a container pid 1 can take long to reap it.
alive() { local state; state=$(state_of "$1") && [[ $state != [ZX] ]]; }
state_of() { awk '/^State:/ { print $2; found = 1 } END { exit !found }' "/proc/$1/status" 2>/dev/null; }

# recorded NAME: its pid, if the process lives and is still the one we started. The start time tells: pids are reused.
recorded() {
  local pid born
  { read -r pid born <"$dir/$1.pid"; } 2>/dev/null || return 1
  alive "$pid" && [ "$(birth_of "$pid")" = "$born" ] && printf '%s\n' "$pid"
}
birth_of() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | awk '{ print $20 }'; }

# family PID: the process and all below it, parents first. PostgreSQL's children are sessions of their own and
# RabbitMQ's virtual machine is the child of a shell, so neither the pid nor its process group is the whole server.
family() {
  cat /proc/[0-9]*/stat 2>/dev/null | awk -v root="$1" '
    { pid = $1; sub(/^.*\) /, ""); below[$2] = below[$2] " " pid }
    function show(p,   list, n, i) { print p; n = split(below[p], list, " "); for (i = 1; i <= n; i++) show(list[i]) }
    END { show(root) }' || true
}

signal_family() { # signal_family SIGNAL PID
  local pid
  kill -s STOP "$2" # or it might start a child between the listing and the signal
  for pid in $(family "$2"); do kill -s "$1" "$pid" 2>/dev/null || true; done
}

# launch NAME ACCOUNT COMMAND...: a daemon with no terminal, a log, and its pid on record.
# setpriv, unlike su, becomes the command, so that $! is the server itself. Descriptor 9 is our lock: it must not be inherited.
launch() {
  local name=$1 account=$2; shift 2
  (
    exec </dev/null >>"$dir/$name.log" 2>&1 9>&-
    cd "$dir/$name"
    if [ "$UID" = 0 ]; then set -- setpriv --reuid="$account" --regid="$(id -g "$account")" --init-groups -- "$@"; fi
    exec setsid "$@"
  ) &
  printf '%s %s\n' "$!" "$(birth_of "$!")" >"$dir/$name.pid"
  disown
}

# until_ready NAME COMMAND...: waits for the command to succeed; gives up at once when the server has died.
until_ready() {
  local name=$1 end=$((SECONDS + ready_seconds)); shift
  until "$@" >/dev/null 2>&1; do
    if ! recorded "$name" >/dev/null; then tail -n 30 "$dir/$name.log" >&2; die "$name died while starting (above: the end of $dir/$name.log)"; fi
    if ((SECONDS >= end)); then tail -n 30 "$dir/$name.log" >&2; die "$name does not answer after ${ready_seconds}s (above: the end of $dir/$name.log)"; fi
    sleep 0.1
  done
}

until_gone() { # until_gone SECONDS PID...
  local tick limit=$(($1 * 20)) pid; shift
  for pid in "$@"; do
    for ((tick = 0; tick < limit; tick++)); do
      alive "$pid" || break
      sleep 0.05
    done
    ! alive "$pid" || return 1
  done
}

stop_gently() { # stop_gently NAME SIGNAL
  local pid everyone
  if pid=$(recorded "$1"); then
    signal_family CONT "$pid" # a paused server cannot act on a signal
    mapfile -t everyone < <(family "$pid")
    kill -s "$2" "$pid"
    if ! until_gone "$stop_seconds" "${everyone[@]}"; then
      say "$1: still there ${stop_seconds}s after SIG$2, so SIGKILL"
      kill -s KILL "${everyone[@]}" 2>/dev/null || true
      until_gone 10 "${everyone[@]}" || die "$1: not even SIGKILL ended it"
    fi
  fi
  rm -f "$dir/$1.pid"
}

# mine NAME ACCOUNT: a folder for the server, owned by the account it runs under.
mine() {
  mkdir -p "$dir/$1"
  [ "$UID" != 0 ] || chown "$2:" "$dir/$1"
}

# ------------------------------------------------------------------------------------------- servers of this machine

find_programs() {
  pg_bin=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)
  [ -x "$pg_bin" ] || pg_bin=$(command -v initdb || true)
  pg_bin=${pg_bin%/initdb}
  # Not the rabbitmq-server on PATH: Debian's is a wrapper that changes user, folder and log.
  mq_bin=
  local candidate
  for candidate in /usr/lib/rabbitmq/bin/rabbitmq-server /usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server /opt/rabbitmq/sbin/rabbitmq-server; do
    if [ -x "$candidate" ]; then mq_bin=$candidate; break; fi
  done
}

missing_packages() {
  find_programs
  [ -n "$pg_bin" ] || printf 'postgresql '
  if [ -z "$mq_bin" ] || ! command -v epmd >/dev/null; then printf 'rabbitmq-server '; fi
  command -v curl >/dev/null || printf 'curl '
}

install_missing() {
  local packages sudo=()
  packages=$(missing_packages)
  [ -n "$packages" ] || return 0
  if ! command -v apt-get >/dev/null; then die "no Docker engine answers, and this machine has no: $packages
Install them with its package manager, or start Docker, and try again."; fi
  if [ "$UID" != 0 ]; then
    if ! sudo -n true 2>/dev/null; then die "no Docker engine answers, and installing needs root. Start Docker, or run:
  sudo apt-get install --no-install-recommends $packages"; fi
    sudo=(sudo -n)
  fi
  say "servers: installing $packages"
  # shellcheck disable=SC2086  # a list of words
  "${sudo[@]}" bash -s -- $packages >&2 <<'ROOT' || die "apt-get could not install: $packages"
    set -euo pipefail
    policy=/usr/sbin/policy-rc.d
    # Debian starts a service as soon as it is installed, unless this program says no (101). Nobody asked for a
    # service here: we start the servers ourselves, elsewhere.
    restore() { rm -f "$policy"; if [ -e "$policy.before-leadpipeline" ] || [ -L "$policy.before-leadpipeline" ]; then mv "$policy.before-leadpipeline" "$policy"; fi; }
    if [ -e "$policy" ] || [ -L "$policy" ]; then mv "$policy" "$policy.before-leadpipeline"; fi
    trap restore EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q
    apt-get install -q -y --no-install-recommends "$@"
    # Nor at the next boot.
    if [ -d /run/systemd/system ]; then
      for package in "$@"; do
        case $package in
          postgresql) systemctl disable -q postgresql || true ;;
          rabbitmq-server) systemctl disable -q rabbitmq-server epmd.socket || true ;;
        esac
      done
    fi
ROOT
  find_programs
}

start_pg_here() {
  mine pg postgres
  if ! recorded pg >/dev/null; then
    [ -s "$dir/pg/data/PG_VERSION" ] || make_pg_cluster
    # No Unix socket: its path has a length limit that a deep folder breaks.
    # shellcheck disable=SC2086  # a list of words
    launch pg postgres "$pg_bin/postgres" -D "$dir/pg/data" -p "$pg_port" -c listen_addresses=127.0.0.1 \
      -c unix_socket_directories= -c max_connections=200 -c shared_buffers=256MB ${LEADPIPELINE_PG_OPTIONS:-}
  fi
  until_ready pg "$pg_bin/pg_isready" -q -h 127.0.0.1 -p "$pg_port" -t 2
}

make_pg_cluster() {
  rm -rf "$dir/pg/data" "$dir/pg/password"
  (umask 077; printf '%s\n' "$password" >"$dir/pg/password")
  [ "$UID" != 0 ] || chown postgres: "$dir/pg/password"
  launch pg postgres "$pg_bin/initdb" -D "$dir/pg/data" -U "$user" -A scram-sha-256 --pwfile="$dir/pg/password" \
    -E UTF8 --locale=C.UTF-8 --no-sync
  until_gone "$ready_seconds" "$(cut -d ' ' -f 1 "$dir/pg.pid")" || die "initdb hangs, see $dir/pg.log"
  rm -f "$dir/pg/password" "$dir/pg.pid"
  [ -s "$dir/pg/data/PG_VERSION" ] || { tail -n 30 "$dir/pg.log" >&2; die "initdb failed (above: the end of $dir/pg.log)"; }
}

start_mq_here() {
  mine mq rabbitmq
  mine epmd rabbitmq
  # Our own epmd, in the foreground and on loopback. The node would otherwise start one that listens on every
  # address and outlives it.
  export ERL_EPMD_ADDRESS=127.0.0.1 ERL_EPMD_PORT=$mq_epmd_port
  recorded epmd >/dev/null || launch epmd rabbitmq epmd -port "$mq_epmd_port" -address 127.0.0.1
  until_ready epmd epmd -port "$mq_epmd_port" -names
  if ! recorded mq >/dev/null; then
    printf '[rabbitmq_management].\n' >"$dir/mq/enabled_plugins"
    mq_settings >"$dir/mq/advanced.config"
    launch mq rabbitmq env HOME="$dir/mq" RABBITMQ_NODENAME=leadpipeline@localhost RABBITMQ_DIST_PORT="$mq_dist_port" \
      RABBITMQ_MNESIA_BASE="$dir/mq/data" RABBITMQ_LOG_BASE="$dir/mq/log" RABBITMQ_CONFIG_FILE="$dir/mq/none" RABBITMQ_ADVANCED_CONFIG_FILE="$dir/mq/advanced.config" \
      RABBITMQ_CONF_ENV_FILE=/dev/null RABBITMQ_ENABLED_PLUGINS_FILE="$dir/mq/enabled_plugins" \
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}' "$mq_bin"
  fi
  until_ready mq ask_mq health/checks/local-alarms
  until_ready mq ask_mq "health/checks/port-listener/$mq_port"
}

# An environment without curl's own settings file; a test broker's password may be seen in the process list.
ask_mq() { curl -q -sf -m 2 -u "$user:$password" "http://127.0.0.1:$mq_ui_port/api/$1"; }

mq_settings() {
  cat <<CONF
%% Erlang terms, and not rabbitmq.conf: to read one of those takes the broker as long again as to start without.
[
  {rabbit, [
    {tcp_listeners, [{"127.0.0.1", $mq_port}]},
    {default_user, <<"$user">>},
    {default_pass, <<"$password">>},
    %% The tests ask for queue depths: twice a second instead of every five.
    {collect_statistics_interval, 500},
    {quorum_tick_interval, 500},
    %% The limits guard a real broker's machine; here they would only block publishers while a build fills the memory.
    {vm_memory_high_watermark, {absolute, "1GB"}},
    {disk_free_limit, {absolute, "64MB"}}
  ]},
  {rabbitmq_management, [{tcp_config, [{ip, "127.0.0.1"}, {port, $mq_ui_port}]}]},
  {ra, [{wal_max_size_bytes, 67108864}]}
].
CONF
}

act_here() { # act_here VERB NAME
  local verb=$1 name=$2 pid everyone
  case $verb in
    start)
      if pid=$(recorded "$name"); then signal_family CONT "$pid"; fi
      "start_${name}_here"
      ;;
    stop)
      case $name in
        pg) stop_gently pg INT ;; # INT is the fast shutdown; TERM would wait for clients
        mq) stop_gently mq TERM; stop_gently epmd TERM ;;
      esac
      ;;
    kill)
      pid=$(recorded "$name") || die "$name is not running, or was not started by this script"
      kill -s STOP "$pid"
      mapfile -t everyone < <(family "$pid")
      kill -s KILL "${everyone[@]}" 2>/dev/null || true
      until_gone 10 "${everyone[@]}" || die "$name: SIGKILL did not end it"
      rm -f "$dir/$name.pid"
      # All of it is dead, we have just watched. PostgreSQL, which asks with kill(pid, 0), would refuse to start
      # for as long as pid 1 leaves the zombie there.
      [ "$name" != pg ] || rm -f "$dir/pg/data/postmaster.pid"
      ;;
    pause | resume)
      pid=$(recorded "$name") || die "$name is not running, or was not started by this script"
      if [ "$verb" = pause ]; then signal_family STOP "$pid"; else signal_family CONT "$pid"; fi
      ;;
    status)
      if ! pid=$(recorded "$name"); then printf '%s: down\n' "$name"; return 3; fi
      if [ "$(state_of "$pid")" = T ]; then printf '%s: paused, pid %s\n' "$name" "$pid"; return 3; fi
      printf '%s: up, pid %s\n' "$name" "$pid"
      ;;
    clean)
      rm -rf "${dir:?}/$name" "$dir/$name.log"
      [ "$name" != mq ] || rm -rf "$dir/epmd" "$dir/epmd.log"
      ;;
  esac
}

# -------------------------------------------------------------------------------------------------- servers in Docker

compose() { docker compose -f "$repo/docker-compose.test.yml" "$@" >&2; } # only the export lines go to standard output

docker_answers() {
  command -v docker >/dev/null && timeout 10 docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1
}

act_in_docker() { # act_in_docker VERB NAME
  case $1 in
    start)
      compose unpause "$2" 2>/dev/null || true
      compose up -d --wait "$2"
      ;;
    stop)
      compose unpause "$2" 2>/dev/null || true
      compose stop -t "$stop_seconds" "$2"
      ;;
    kill) compose kill -s SIGKILL "$2" ;;
    pause) compose pause "$2" ;;
    resume) compose unpause "$2" ;;
    clean) compose rm -s -f -v "$2" ;;
    status)
      local id
      id=$(docker compose -f "$repo/docker-compose.test.yml" ps -a -q "$2" 2>/dev/null || true)
      case $([ -z "$id" ] || docker inspect -f '{{.State.Status}}' "$id") in
        running) printf '%s: up, in Docker\n' "$2" ;;
        paused) printf '%s: paused, in Docker\n' "$2"; return 3 ;;
        *) printf '%s: down\n' "$2"; return 3 ;;
      esac
      ;;
  esac
}

# ------------------------------------------------------------------------------------------------------------- main

# Written down at the first start, so that later commands go to the servers that run, not to those that could.
choose_place() {
  place=$(cat "$dir/place" 2>/dev/null || true)
  if [ "$place" = docker ] && ! docker_answers; then place=; rm -f "$dir/place"; fi
  if [ -n "$place" ]; then return; fi
  case ${LEADPIPELINE_SERVERS:-} in
    docker | local) place=$LEADPIPELINE_SERVERS ;;
    '') if docker_answers; then place=docker; else place=local; fi ;;
    *) die "LEADPIPELINE_SERVERS is '$LEADPIPELINE_SERVERS'; allowed: docker, local, or nothing" ;;
  esac
}

act() { # act VERB NAME
  if [ "$place" = docker ]; then act_in_docker "$@"; else act_here "$@"; fi
}

start_all() {
  local name
  if [ "$place" = docker ] && [ ! -s "$dir/place" ] && [ -z "${LEADPIPELINE_SERVERS:-}" ]; then
    # The engine answers, but has it the images, or a way to get them?
    if ! compose create "${names[@]}"; then
      say "servers: Docker cannot get the images; trying the programs of this machine"
      place=local
    fi
  fi
  [ "$place" = docker ] || install_missing
  find_programs
  printf '%s\n' "$place" >"$dir/place"
  for name in "${names[@]}"; do
    local begin=$SECONDS
    act start "$name"
    say "$name: ready after $((SECONDS - begin))s"
  done
  printf "export LEADPIPELINE_TEST_DATABASE='Host=127.0.0.1;Port=%s;Username=%s;Password=%s;Database=postgres'\n" "$pg_port" "$user" "$password"
  printf "export LEADPIPELINE_TEST_BROKER='amqp://%s:%s@127.0.0.1:%s/'\n" "$user" "$password" "$mq_port"
  printf "export LEADPIPELINE_TEST_BROKER_UI='http://127.0.0.1:%s'\n" "$mq_ui_port"
}

[ $# -gt 0 ] || usage
verb=$1; shift
names=("$@")
[ $# -gt 0 ] || names=(pg mq)
for name in "${names[@]}"; do [[ $name = pg || $name = mq ]] || usage; done

mkdir -p "$dir"
# The default folder has a guessable name in a folder that all may write to.
[ -O "$dir" ] || die "$dir belongs to somebody else; set LEADPIPELINE_SERVERS_DIR to a folder of yours"
chmod 755 "$dir"
if [ "$UID" = 0 ]; then
  setpriv --reuid=65534 --clear-groups --regid=65534 -- test -x "$dir" ||
    die "$dir cannot be reached by the accounts that the servers run under; set LEADPIPELINE_SERVERS_DIR to a folder that can (not under a private home)"
fi
exec 9>"$dir/lock"
flock 9 # two test projects may ask for the servers at the same moment

choose_place
worst=0
case $verb in
  start) start_all ;;
  stop | kill | pause | resume) for name in "${names[@]}"; do act "$verb" "$name"; done ;;
  restart)
    for name in "${names[@]}"; do act stop "$name"; done
    start_all
    ;;
  status) for name in "${names[@]}"; do act status "$name" || worst=$?; done ;;
  clean)
    for name in "${names[@]}"; do act stop "$name"; act clean "$name"; done
    if [ $# = 0 ]; then
      [ "$place" != docker ] || compose down -v
      rm -f "$dir/place"
    fi
    ;;
  *) usage ;;
esac
exit "$worst"
