#!/bin/sh
# As the image: before nginx, the executable scripts of /docker-entrypoint.d in their order; *.envsh is sourced.
set -eu
if [ "${1:-}" = nginx ]; then
    for script in /docker-entrypoint.d/*; do
        [ -x "$script" ] || continue
        # shellcheck disable=SC1090  # not known before
        case "$script" in
            *.envsh) . "$script" ;;
            *.sh) "$script" ;;
        esac
    done
fi
exec "$@"
