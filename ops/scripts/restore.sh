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
  # Reads all of it: the table of contents alone is whole in a file that was cut off too.
  pg_restore --file=/dev/null "$file" || { echo "'$file' is not whole; the database is as it was." >&2; exit 1; }
  # All or nothing: psql takes the end of its input for success, so what commits is a word that is said only when all the rest was.
  # What was made since the copy is in the schema too, so the schema goes as a whole.
  {
    echo 'BEGIN; DROP SCHEMA public CASCADE; CREATE SCHEMA public;'
    pg_restore --no-owner --file=- "$file" | sed '/^CREATE SCHEMA public;$/d' && echo 'COMMIT;'
  } | psql -X -q --no-password -v ON_ERROR_STOP=1 >/dev/null || { echo "Not restored; the database is as it was." >&2; exit 1; }
else
  need sqlite3 "apt-get install sqlite3"
  [ "$(sqlite3 "$file" 'PRAGMA integrity_check')" = ok ] || { echo "'$file' is not whole." >&2; exit 1; }
  mkdir -p "$folder"
  # Held until this script ends, by the same lock that a worker takes: none can start before the copy is in its place.
  exec 9>>"$folder/lock"
  flock -n 9 || { echo "A worker is alive on '$folder'; stop it first." >&2; exit 1; }
  cp "$file" "$folder/leadpipeline.db.part"
  rm -f "$folder/leadpipeline.db-wal" "$folder/leadpipeline.db-shm"
  mv "$folder/leadpipeline.db.part" "$folder/leadpipeline.db"
fi
echo "Restored. Start the workers, run 'leadpipeline audit verify', and post again what came in since."
