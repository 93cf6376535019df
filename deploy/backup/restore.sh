#!/bin/sh
# Makes the compose project what a backup holds: deploy/backup/restore.sh FOLDER --yes, from the folder of compose.yml.
# What the project knows now is gone then. Where it fails, it can be done again. docs/backup.md says the rest.
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

compose up --detach --wait postgres nats
# Whole, both of them, before anything is stopped or replaced.
compose run --rm -T --no-deps topology check - <"$folder/streams.tar"
compose exec -T postgres pg_restore --list <"$folder/database.dump" >/dev/null
# Nobody is to write, or to hear of numbers that are given out again.
compose stop page signaling mcp-bridge rtc-gateway agent todo-store
# shellcheck disable=SC2016 # its shell expands, not ours
compose exec -T postgres sh -euc '
    dropdb --if-exists --force --username "$POSTGRES_USER" "$POSTGRES_DB"
    createdb --username "$POSTGRES_USER" "$POSTGRES_DB"
    /docker-entrypoint-initdb.d/10-store-role.sh'
# shellcheck disable=SC2016
compose exec -T postgres sh -c 'exec pg_restore --no-owner --role=todo_store --single-transaction --exit-on-error \
    --username "$POSTGRES_USER" --dbname "$POSTGRES_DB"' <"$folder/database.dump"
compose run --rm -T --no-deps topology restore --replace - <"$folder/streams.tar"
# With the schema of this release, where the backup is an older one's.
compose up --detach --wait
echo "restored from $folder"
