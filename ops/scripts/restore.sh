#!/usr/bin/env bash
#
# Puts a copy made by backup.sh in the place of the worker's database, which is gone then.
#
#   ops/scripts/restore.sh FILE --yes [--data DIR]
#
# Stop all workers first: it refuses while one is alive. Afterwards start them, run "leadpipeline audit verify", and post again
# what came in since the copy was made: nothing that is in the CRM already is made a second time (docs/RELIABILITY.md).
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=ops/scripts/database.sh
. "$here/database.sh"

file= data= yes=
while [ $# -gt 0 ]; do
  case $1 in
    --data) [ $# -gt 1 ] || { echo "--data needs a directory" >&2; exit 2; }; data=$2; shift ;;
    --yes) yes=yes ;;
    -*) awk 'NR > 2 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0" >&2; exit 2 ;;
    *) file=$1 ;;
  esac
  shift
done
[ -n "$file" ] && [ -n "$yes" ] || { awk 'NR > 2 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0" >&2; exit 2; }
[ -s "$file" ] || { echo "There is no copy '$file'." >&2; exit 2; }

find_database "$data" new
if [ "$kind" = postgres ]; then
  need pg_restore "apt-get install postgresql-client"
  # Each worker holds a lock on its number, which the server drops when the worker is gone.
  alive=$(psql -X -A -t --no-password -c "SELECT COUNT(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = 1279607108 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())")
  [ "$alive" = 0 ] || { echo "$alive worker(s) are alive on this database; stop them first." >&2; exit 1; }
  pg_restore --list "$file" >/dev/null
  # All or nothing. What was made since the copy is in the schema too, so the schema goes as a whole.
  { echo 'DROP SCHEMA public CASCADE; CREATE SCHEMA public;'; pg_restore --no-owner --file=- "$file" | sed '/^CREATE SCHEMA public;$/d'; } |
    psql -X -q --no-password --single-transaction -v ON_ERROR_STOP=1 >/dev/null
else
  need sqlite3 "apt-get install sqlite3"
  [ "$(sqlite3 "$file" 'PRAGMA integrity_check')" = ok ] || { echo "'$file' is not whole." >&2; exit 1; }
  mkdir -p "$folder"
  touch "$folder/lock"
  flock -n "$folder/lock" true || { echo "A worker is alive on '$folder'; stop it first." >&2; exit 1; }
  cp "$file" "$folder/leadpipeline.db.part"
  rm -f "$folder/leadpipeline.db-wal" "$folder/leadpipeline.db-shm"
  mv "$folder/leadpipeline.db.part" "$folder/leadpipeline.db"
fi
echo "Restored. Start the workers, run 'leadpipeline audit verify', and post again what came in since."
