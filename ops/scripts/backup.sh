#!/usr/bin/env bash
#
# Writes a copy of the worker's database, while it is at work, as of one moment.
#
#   ops/scripts/backup.sh FILE [--data DIR]
#
# The database is the worker's own: ConnectionStrings__Database or DATABASE_URL from the environment, else leadpipeline.db in
# DIR (Data__Directory, .leadpipeline). FILE appears only when it is whole and can be read.
#
# The master key is not in it (Encryption__MasterKey, or DIR/master.key), and without the key nothing of a lead can be read:
# keep it elsewhere. A backup holds the data keys of leads that are erased later: do not keep it longer than you must.
# What docs/RELIABILITY.md says of restoring is worth reading before it is needed.
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=ops/scripts/database.sh
. "$here/database.sh"

file= data=
while [ $# -gt 0 ]; do
  case $1 in
    --data) [ $# -gt 1 ] || { echo "--data needs a directory" >&2; exit 2; }; data=$2; shift ;;
    -*) awk 'NR > 2 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0" >&2; exit 2 ;;
    *) file=$1 ;;
  esac
  shift
done
[ -n "$file" ] || { awk 'NR > 2 { if (!/^#/) exit; sub(/^# ?/, ""); print }' "$0" >&2; exit 2; }

find_database "$data"
umask 077
rm -f "$file.part"
trap 'rm -f "$file.part"' EXIT
if [ "$kind" = postgres ]; then
  need pg_dump "apt-get install postgresql-client"
  pg_dump --format=custom --no-owner --no-password --file="$file.part"
  pg_restore --file=/dev/null "$file.part" # reads all of it
else
  need sqlite3 "apt-get install sqlite3"
  sqlite3 "$folder/leadpipeline.db" "VACUUM INTO '${file//\'/\'\'}.part'"
  [ "$(sqlite3 "$file.part" 'PRAGMA integrity_check')" = ok ] || { echo "The copy is not whole." >&2; exit 1; }
fi
mv "$file.part" "$file"
trap - EXIT
echo "$file: $(wc -c <"$file") bytes. The master key is not in it."
