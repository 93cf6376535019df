#!/bin/sh
# Installs what the tests of browsers, the network, alerts and certificates drive. As root it does it; otherwise it says
# how, and those tests are skipped by name, or fail where CI=true.
set -eu
missing=""
PATH="$PATH:/usr/sbin:/sbin"  # where an ordinary user's shell does not look for ip and nft
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v firefox-esr >/dev/null 2>&1 || command -v firefox >/dev/null 2>&1 || missing="$missing firefox-esr"
command -v turnserver >/dev/null 2>&1 || missing="$missing coturn"
command -v ip >/dev/null 2>&1 || missing="$missing iproute2"
command -v nft >/dev/null 2>&1 || missing="$missing nftables"
command -v mkcert >/dev/null 2>&1 || missing="$missing mkcert"
command -v promtool >/dev/null 2>&1 || missing="$missing prometheus"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086  # a list of package names
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
    # The package starts a server of its own; the tests start theirs.
    case "$missing" in *prometheus*) systemctl disable --now prometheus >/dev/null 2>&1 || true ;; esac
    exit 0
fi
echo "tests that need them are skipped until you run: sudo apt-get install$missing"
[ "${CI:-}" != true ]
