#!/bin/sh
# Saves what the compose project knows: deploy/backup/backup.sh FOLDER, from the folder of compose.yml, while it runs.
# The streams first, and then the database: docs/backup.md says why, and how both come back.
set -eu
umask 077 # what people wrote is in it
folder=${1:-}
case $folder in '' | -*)
    echo "usage: backup.sh FOLDER" >&2
    exit 1
    ;;
esac
compose=${DOCKER_COMPOSE:-docker compose}
must_be_new() {
    if [ -e "$folder" ] || [ -L "$folder" ]; then
        echo "backup.sh: $folder is there already; name a folder that is not" >&2
        exit 1
    fi
}
must_be_new
while [ "${folder%/}" != "$folder" ]; do folder=${folder%/}; done
above=$(dirname "$folder")
mkdir -p "$above"
# Only a whole backup gets the name. Until then it is in a folder of this run's own, on the same disk.
fresh=$(mktemp -d "$folder.XXXXXX")
trap 'rm -rf "$fresh"' EXIT
trap 'exit 1' HUP INT TERM # for then, too, this leads through the line above
# shellcheck disable=SC2086 # it may have words
compose() { $compose "$@"; }

compose run --rm -T --no-deps topology backup - >"$fresh/streams.tar"
# The password is PostgreSQL's own business: inside of its container its socket asks for none.
# shellcheck disable=SC2016 # its shell expands, not ours
compose exec -T postgres sh -c \
    'exec pg_dump --format=custom --no-owner --username "$POSTGRES_USER" --dbname "$POSTGRES_DB"' >"$fresh/database.dump"
# Both to their end: a dump's table of contents is at its beginning, and says nothing of rows that are missing.
compose run --rm -T --no-deps topology check - <"$fresh/streams.tar"
compose exec -T postgres pg_restore --file=/dev/null <"$fresh/database.dump"
sync "$fresh/streams.tar" "$fresh/database.dump" "$fresh"
must_be_new # it may have come meanwhile, and would take ours in
mv "$fresh" "$folder"
trap - EXIT
sync "$above"
echo "saved in $folder"
