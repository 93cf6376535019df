#!/bin/bash
# As the image: a database is made where there is none, then the server takes this process' place. Of the image's settings
# it knows POSTGRES_USER, POSTGRES_PASSWORD, POSTGRES_DB, their _FILE forms, POSTGRES_INITDB_ARGS and PGDATA.
set -euo pipefail

setting() { # setting NAME DEFAULT: its value, or what its file holds
    local file="${1}_FILE"
    if [ -n "${!1:-}" ] && [ -n "${!file:-}" ]; then
        echo "$1 and $file are both set" >&2
        exit 1
    fi
    local value="${!1:-}"
    [ -z "${!file:-}" ] || value=$(<"${!file}")
    export "$1=${value:-$2}"
    unset "$file"
}

as_superuser() { # psql over the socket, which is there only while the database is made
    psql -v ON_ERROR_STOP=1 --no-password --no-psqlrc --username "$POSTGRES_USER" "$@"
}

case "${1:--}" in -*) set -- postgres "$@" ;; esac
[ "$1" = postgres ] || exec "$@"

setting POSTGRES_PASSWORD ""
setting POSTGRES_USER postgres
setting POSTGRES_DB "$POSTGRES_USER"
mkdir -p "$PGDATA"
chmod 700 "$PGDATA" || true
if [ "$(id -u)" = 0 ]; then
    find "$PGDATA" /var/run/postgresql ! -user postgres -exec chown postgres {} +
    exec gosu postgres "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    if [ -z "$POSTGRES_PASSWORD" ]; then
        echo "Error: Database is uninitialized and superuser password is not specified." >&2
        exit 1
    fi
    if ! getent passwd "$(id -u)" >/dev/null; then # initdb wants its user to have a name
        NSS_WRAPPER_PASSWD=$(mktemp)
        NSS_WRAPPER_GROUP=$(mktemp)
        LD_PRELOAD=$(find /usr/lib -name libnss_wrapper.so | head -n 1)
        export NSS_WRAPPER_PASSWD NSS_WRAPPER_GROUP LD_PRELOAD
        echo "postgres:x:$(id -u):$(id -g):PostgreSQL:$PGDATA:/bin/false" >"$NSS_WRAPPER_PASSWD"
        echo "postgres:x:$(id -g):" >"$NSS_WRAPPER_GROUP"
    fi
    # shellcheck disable=SC2086
    initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") ${POSTGRES_INITDB_ARGS:-} -D "$PGDATA"
    unset LD_PRELOAD
    printf '\nhost all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
    # The wheel's server would put it in /tmp.
    printf "unix_socket_directories = '/var/run/postgresql'\n" >>"$PGDATA/postgresql.conf"
    export PGPASSWORD="$POSTGRES_PASSWORD"
    pg_ctl -D "$PGDATA" -w -o "$(printf '%q ' "${@:2}" -c listen_addresses=)" start
    if ! as_superuser -d postgres -Atc "SELECT datname FROM pg_database" | grep -qxF "$POSTGRES_DB"; then
        createdb --username "$POSTGRES_USER" --no-password "$POSTGRES_DB"
    fi
    for file in /docker-entrypoint-initdb.d/*; do
        # shellcheck disable=SC1090  # not known before
        case "$file" in
            *.sh) if [ -x "$file" ]; then "$file"; else . "$file"; fi ;;
            *.sql) as_superuser -d "$POSTGRES_DB" -f "$file" ;;
        esac
    done
    pg_ctl -D "$PGDATA" -m fast -w stop
    unset PGPASSWORD
    echo "PostgreSQL init process complete; ready for start up."
fi
exec "$@"
