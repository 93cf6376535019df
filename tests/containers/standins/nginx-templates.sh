#!/bin/sh
# As the image: each template becomes a configuration with the environment's variables in it, and no other `$` is touched.
set -eu
templates=${NGINX_ENVSUBST_TEMPLATE_DIR:-/etc/nginx/templates}
into=${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d}
[ -d "$templates" ] || exit 0
if [ ! -w "$into" ]; then
    echo "20-envsubst-on-templates.sh: $into cannot be written"
    exit 0
fi
# shellcheck disable=SC2016
known=$(env | cut -d= -f1 | grep -E "${NGINX_ENVSUBST_FILTER:-}" | sed 's/.*/${&}/' | tr '\n' ' ')
find "$templates" -follow -type f -name '*.template' | while read -r template; do
    name=${template#"$templates/"}
    mkdir -p "$into/$(dirname "$name")"
    envsubst "$known" <"$template" >"$into/${name%.template}"
done
