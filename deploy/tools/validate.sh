#!/bin/sh
# Part of `make check`: what is deployed, by the tools that will read it, and what is not Python by its own linters. Says
# nothing where all is well.
set -eu
cd "$(dirname "$0")/../.."
PATH="$PWD/.venv/bin:$PATH"
failed=0

tracked() { git ls-files -- "$@"; }

say() { echo "$*" >&2; failed=1; }

# Compose's warnings count: a variable without a default would be an empty value in silence.
compose() {  # compose VARIABLES-FILE ARGUMENT...
    variables=$1
    shift
    if ! said=$(env -i PATH="$PATH" HOME="${HOME:-/}" .tools/bin/compose --env-file "$variables" "$@" config -q 2>&1) || [ -n "$said" ]; then
        say "compose $* with $variables:
$said"
    fi
}

if [ -x .tools/bin/compose ]; then
    for variables in /dev/null .env.example; do
        compose "$variables" -f compose.yml
        compose "$variables" -f compose.yml --profile observability
        compose "$variables" -f compose.yml -f compose.dev.yml --profile observability
        compose "$variables" -f deploy/observability/compose.yml --profile observability
    done
fi
check-jsonschema --quiet --builtin-schema vendor.compose-spec compose.yml compose.dev.yml deploy/observability/compose.yml || failed=1

tracked '*ockerfile' | xargs hadolint || failed=1
tracked '*.yml' '*.yaml' | xargs yamllint --strict || failed=1
{ tracked '*.sh'; tracked | xargs grep -lE -m1 '^#!.*\b(sh|bash)$' 2>/dev/null; } | sort -u | xargs shellcheck || failed=1

exit "$failed"
