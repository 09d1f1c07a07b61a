# Read by backup.sh and restore.sh: where the worker's database is. Sets `kind` to postgres or sqlite; for the first the variables that
# PostgreSQL's own programs read, for the second `folder`.

find_database() { # find_database DATA_DIRECTORY: what the worker goes by, in its order
  local address=${ConnectionStrings__Database:-${DATABASE_URL:-}} pair name value
  if [ -z "$address" ]; then
    kind=sqlite folder=${1:-${Data__Directory:-.leadpipeline}}
    [ -e "$folder/leadpipeline.db" ] || [ "${2:-}" = new ] || { echo "There is no database: neither ConnectionStrings__Database nor DATABASE_URL is set, and '$folder/leadpipeline.db' does not exist." >&2; exit 2; }
    return
  fi
  kind=postgres
  case $address in
    postgres://* | postgresql://*) export PGDATABASE=$address ;; # libpq reads these itself
    *)
      while IFS= read -r -d ';' pair || [ -n "$pair" ]; do
        [ -n "$pair" ] || continue
        name=$(printf '%s' "${pair%%=*}" | tr '[:upper:]' '[:lower:]' | tr -d ' ')
        value=${pair#*=}
        case $name in
          host | server) export PGHOST=$value ;;
          port) export PGPORT=$value ;;
          username | userid | user) export PGUSER=$value ;;
          password) export PGPASSWORD=$value ;;
          database) export PGDATABASE=$value ;;
          sslmode) export PGSSLMODE=$(printf '%s' "$value" | tr '[:upper:]' '[:lower:]') ;;
        esac
      done < <(printf "%s" "$address")
      ;;
  esac
}

need() { command -v "$1" >/dev/null || { echo "This needs $1, which is not installed: $2" >&2; exit 2; }; }
