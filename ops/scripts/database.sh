# Read by backup.sh and restore.sh: where the worker's database is. Sets `kind` to postgres or sqlite; for the first the variables that
# PostgreSQL's own programs read, for the second `folder`.

find_database() { # find_database DATA_DIRECTORY: what the worker goes by, in its order
  local address=${ConnectionStrings__Database:-${DATABASE_URL:-}}
  if [ -z "$address" ]; then
    kind=sqlite folder=${1:-${Data__Directory:-.leadpipeline}}
    [ -e "$folder/leadpipeline.db" ] || [ "${2:-}" = new ] || { echo "There is no database: neither ConnectionStrings__Database nor DATABASE_URL is set, and '$folder/leadpipeline.db' does not exist." >&2; exit 2; }
    return
  fi
  kind=postgres
  case ${address,,} in
    postgres://* | postgresql://*) take_url "${address#*://}" ;;
    *) take_pairs "$address" ;;
  esac
}

take_url() { # take_url USER:PASSWORD@HOST:PORT/DATABASE?OPTIONS. Libpq reads an address itself, but only from an argument, which everybody may list.
  local rest=$1 options='' authority option
  case $rest in *\?*) options=${rest#*\?} rest=${rest%%\?*} ;; esac
  authority=${rest%%/*}
  case $rest in */?*) take database "$(decoded "${rest#*/}")" ;; esac
  case $authority in
    *@*)
      rest=${authority%@*} authority=${authority##*@}
      [ -z "${rest%%:*}" ] || take username "$(decoded "${rest%%:*}")"
      case $rest in *:*) take password "$(decoded "${rest#*:}")" ;; esac
      ;;
  esac
  take port 5432
  if [[ $authority =~ ^(.*):([0-9]+)$ ]]; then authority=${BASH_REMATCH[1]}; take port "${BASH_REMATCH[2]}"; fi
  authority=${authority#\[} # an IPv6 address stands in brackets
  take host "${authority%\]}"
  while [ -n "$options" ]; do
    option=${options%%&*}
    case $options in *\&*) options=${options#*&} ;; *) options= ;; esac
    case $option in *=*) take "${option%%=*}" "$(decoded "${option#*=}")" ;; esac
  done
}

take_pairs() { # take_pairs NAME=VALUE;… A value may stand in quotes of either kind; within them a doubled one is one, and a semicolon is a character.
  local rest=$1 name value quote
  while [[ $rest =~ ^[[:space:]\;]*([^=]+)=[[:space:]]*(.*)$ ]]; do
    name=${BASH_REMATCH[1]} rest=${BASH_REMATCH[2]} quote=${BASH_REMATCH[2]:0:1} value=
    if [ "$quote" = "'" ] || [ "$quote" = '"' ]; then
      rest=${rest:1}
      while [[ $rest == *"$quote"* ]]; do
        value+=${rest%%"$quote"*} rest=${rest#*"$quote"}
        [ "${rest:0:1}" = "$quote" ] || break
        value+=$quote rest=${rest:1}
      done
    else
      value=${rest%%;*}
      value=${value%"${value##*[![:space:]]}"}
    fi
    take "$name" "$value"
    case $rest in *\;*) rest=${rest#*;} ;; *) rest= ;; esac
  done
}

take() { # take NAME VALUE: Npgsql's names, and the variables of PostgreSQL's own programs
  local name=${1,,}
  case ${name//[[:space:]]/} in
    host | server) export PGHOST=$2 ;;
    port) export PGPORT=$2 ;;
    username | userid | uid | user) export PGUSER=$2 ;;
    password | pwd | psw) export PGPASSWORD=$2 ;;
    database | db) export PGDATABASE=$2 ;;
    sslmode)
      case ${2,,} in
        verifyca) export PGSSLMODE=verify-ca ;;
        verifyfull) export PGSSLMODE=verify-full ;;
        *) export PGSSLMODE=${2,,} ;;
      esac
      ;;
    rootcertificate) export PGSSLROOTCERT=$2 ;;
    sslcertificate) export PGSSLCERT=$2 ;;
    sslkey) export PGSSLKEY=$2 ;;
  esac
}

decoded() { printf '%b' "$(printf '%s' "$1" | sed -E 's/\\/\\\\/g; s/%([0-9A-Fa-f]{2})/\\x\1/g')"; }

need() { command -v "$1" >/dev/null || { echo "This needs $1, which is not installed: $2" >&2; exit 2; }; }
