#!/bin/bash
# As the image: options alone are the server's, and each argument goes through the shell once more.
set -eu
case "${1:--}" in -*) set -- turnserver "$@" ;; esac
arguments=()
for argument in "$@"; do arguments+=("$(eval "echo $argument")"); done
exec "${arguments[@]}"
