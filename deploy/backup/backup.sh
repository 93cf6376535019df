#!/bin/sh
# Saves what the compose project knows: deploy/backup/backup.sh FOLDER, from the folder of compose.yml, while it runs.
# The streams first, and then the database: docs/backup.md says why, and how both come back.
set -eu
umask 077 # what people wrote is in it
folder=${1:?usage: backup.sh FOLDER}
compose=${DOCKER_COMPOSE:-docker compose}
if [ -e "$folder" ]; then
    echo "backup.sh: $folder is there already; name a folder that is not" >&2
    exit 1
fi
# Only a whole backup gets the name.
rm -rf "$folder.new"
mkdir -p "$folder.new"
trap 'rm -rf "$folder.new"' EXIT
# shellcheck disable=SC2086 # it may have words
$compose run --rm -T --no-deps topology backup - >"$folder.new/streams.tar"
# The password is PostgreSQL's own business: inside of its container its socket asks for none.
# shellcheck disable=SC2016,SC2086 # its shell expands, not ours
$compose exec -T postgres sh -c \
    'exec pg_dump --format=custom --no-owner --username "$POSTGRES_USER" --dbname "$POSTGRES_DB"' >"$folder.new/database.dump"
# shellcheck disable=SC2086
$compose run --rm -T --no-deps topology check - <"$folder.new/streams.tar"
mv "$folder.new" "$folder"
trap - EXIT
echo "saved in $folder"
