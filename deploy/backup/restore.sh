#!/bin/sh
# Makes the compose project what a backup holds: deploy/backup/restore.sh FOLDER --yes, from the folder of compose.yml.
# What the project knows now is gone then. Where it fails, it can be done again; until services are stopped, nothing has
# changed. docs/backup.md says the rest.
set -eu
folder=${1:?usage: restore.sh FOLDER --yes}
compose=${DOCKER_COMPOSE:-docker compose}
if [ "${2:-}" != --yes ]; then
    echo "restore.sh: this replaces what the project knows by $folder; say so with --yes" >&2
    exit 1
fi
for file in streams.tar database.dump; do
    if [ ! -s "$folder/$file" ]; then
        echo "restore.sh: $folder/$file is missing or empty" >&2
        exit 1
    fi
done
# shellcheck disable=SC2086 # it may have words
compose() { $compose "$@"; }

# As many of each as there are, or were when an earlier try ended: `up` would put them back to what .env says.
scale=
for service in agent rtc-gateway todo-store; do
    containers=$(compose ps --all --quiet "$service")
    if [ -n "$containers" ]; then scale="$scale --scale $service=$(($(echo "$containers" | wc -l)))"; fi
done
compose up --detach --wait postgres nats
# Whole, both of them, before anything is stopped or replaced. pg_restore --list would read a dump's beginning alone.
compose run --rm -T --no-deps topology check - <"$folder/streams.tar"
compose exec -T postgres pg_restore --file=/dev/null <"$folder/database.dump"
# Beside the database that is there, which goes when the new one is complete.
# shellcheck disable=SC2016 # its shell expands, not ours
compose exec -T postgres sh -euc '
    dropdb --if-exists --force --username "$POSTGRES_USER" todo_agent_restoring
    createdb --username "$POSTGRES_USER" todo_agent_restoring
    POSTGRES_DB=todo_agent_restoring /docker-entrypoint-initdb.d/10-store-role.sh'
# shellcheck disable=SC2016
compose exec -T postgres sh -c 'exec pg_restore --no-owner --role=todo_store --single-transaction --exit-on-error \
    --username "$POSTGRES_USER" --dbname todo_agent_restoring' <"$folder/database.dump"
# Nobody is to write, or to hear of numbers that are given out again.
compose stop page signaling mcp-bridge rtc-gateway agent todo-store
compose run --rm -T --no-deps topology restore --replace - <"$folder/streams.tar"
# shellcheck disable=SC2016
compose exec -T postgres sh -euc '
    dropdb --if-exists --force --username "$POSTGRES_USER" "$POSTGRES_DB"
    echo "ALTER DATABASE todo_agent_restoring RENAME TO :\"database\"" |
        psql --no-psqlrc --quiet -v ON_ERROR_STOP=1 -v database="$POSTGRES_DB" --username "$POSTGRES_USER" --dbname template1'
# With the schema of this release, where the backup is an older one's.
# shellcheck disable=SC2086 # words
compose up --detach --wait $scale
echo "restored from $folder"
