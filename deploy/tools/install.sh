#!/bin/sh
# Puts Compose v2 and kubectl where `make check` and the container tests find them: .tools/bin/compose, .tools/bin/kubectl.
# The machine's own are taken when they are new enough. Where they are not, Debian's packages are unpacked beside them: by
# apt, from the machine's own mirror, verified as any package is, into .tools, without root and without installing anything.
# Without either, the names of what is missing are printed; with CI=true that is a failure.
# usage: deploy/tools/install.sh [compose] [kubectl]
set -eu
cd "$(dirname "$0")/../.."
RELEASE=trixie  # the Debian release whose packages are new enough
BIN=.tools/bin
mkdir -p "$BIN"
[ $# -gt 0 ] || set -- compose kubectl

least() { case "$1" in compose) echo 2.20 ;; kubectl) echo 1.27 ;; esac }  # `include`; kustomize with components
package() { case "$1" in compose) echo docker-compose ;; kubectl) echo kubectl ;; esac }
unpacked() { case "$1" in compose) echo usr/libexec/docker/cli-plugins/docker-compose ;; kubectl) echo usr/bin/kubectl ;; esac }

version() {  # version compose|kubectl COMMAND...: its version as 1.2.3, or nothing
    tool=$1
    shift
    case "$tool" in
        compose) "$@" version --short ;;
        kubectl) "$@" version --client ;;
    esac 2>/dev/null </dev/null | sed -nE 's/^(.*[^0-9.])?([0-9]+\.[0-9]+\.[0-9]+).*/\2/p' | head -n 1
}

new_enough() {  # new_enough VERSION LEAST
    [ -n "$1" ] && [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

from_path() {  # the machine's own, behind a script of one line: `docker compose` is two words
    case "$1" in
        compose) set -- compose "docker compose" docker-compose ;;
        kubectl) set -- kubectl kubectl ;;
    esac
    tool=$1
    shift
    for command in "$@"; do
        # shellcheck disable=SC2086  # two words are meant to be two
        if new_enough "$(version "$tool" $command)" "$(least "$tool")"; then
            printf '#!/bin/sh\nexec %s "$@"\n' "$command" >"$BIN/$tool"
            chmod 755 "$BIN/$tool"
            return 0
        fi
    done
    return 1
}

private_apt() {  # private_apt DIR: an apt that knows RELEASE from the machine's own mirrors and keeps its state in DIR
    codename=$(sed -nE 's/^VERSION_CODENAME=//p' /etc/os-release)
    rename="s/(^|[[:space:]])$codename(-[a-z-]+)?([[:space:]]|\$)/\1$RELEASE\2\3/g"  # twice, as neighbours share their space
    mkdir -p "$1/sources" "$1/lists" "$1/cache"
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
        [ -r "$file" ] || continue
        # Signed-By stays as it is, so the same keys vouch for it. A source that names no such release is left out.
        sed -E "/^ *#/d; $rename; $rename" "$file" | case "$file" in
            *.sources) awk -v RS= -v ORS='\n\n' '/(^|\n)Suites:[^\n]* '"$RELEASE"'/' ;;
            *) grep -E "^deb .* $RELEASE" || true ;;
        esac >"$1/sources/$(basename "$file")"
    done
    printf 'Package: *\nPin: release o=Debian\nPin-Priority: 900\n' >"$1/preferences"  # not a stranger's kubectl
    {   # How the machine reaches its mirror (proxies, certificates) is kept; its hooks and pins are not.
        apt-config dump | grep -E '^Acquire::' || true
        cat <<CONFIG
Acquire::Retries "2";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
Acquire::Languages "none";
Dir::Etc::main "/dev/null";
Dir::Etc::parts "/dev/null";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$1/sources";
Dir::Etc::preferences "$1/preferences";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$1";
Dir::State::lists "$1/lists";
Dir::State::status "$1/status";
Dir::Cache "$1/cache";
Debug::NoLocking "true";
CONFIG
    } >"$1/apt.conf"
    : >"$1/status"
}

from_debian() {  # from_debian TOOL...: each one's package, unpacked into .tools/debian
    command -v apt-get >/dev/null 2>&1 && command -v dpkg-deb >/dev/null 2>&1 || return 1
    place=$(mktemp -d)
    trap 'rm -rf "$place"' EXIT
    chmod 755 "$place"  # apt fetches as a user of its own when root calls it
    private_apt "$place"
    packages=$(for tool in "$@"; do package "$tool"; done)
    # shellcheck disable=SC2086  # a list of package names
    (
        export APT_CONFIG="$place/apt.conf"
        cd "$place"
        timeout 240 apt-get -qq update >"$place/log" 2>&1 || true  # one mirror of several may not know the release
        timeout 240 apt-get -qq download $packages >>"$place/log" 2>&1
    ) || { sed 's/^/  apt: /' "$place/log" >&2; return 1; }
    for deb in "$place"/*.deb; do dpkg-deb --extract "$deb" "$place/root"; done
    mkdir -p .tools/debian
    for tool in "$@"; do
        install -m 755 "$place/root/$(unpacked "$tool")" ".tools/debian/$tool"
        ln -sf "../debian/$tool" "$BIN/$tool"
    done
}

wanted=""
for tool in "$@"; do
    new_enough "$(version "$tool" "$BIN/$tool")" "$(least "$tool")" && continue
    from_path "$tool" || wanted="$wanted $tool"
done
[ -n "$wanted" ] || exit 0
set +e  # inside `if` or `&&` the steps of from_debian would not stop at the first that fails
# shellcheck disable=SC2086  # a list of names
(set -e; from_debian $wanted)
unpacked=$?
set -e
[ "$unpacked" != 0 ] || exit 0
for tool in $wanted; do
    rm -f "$BIN/$tool"
    echo "not checked: what needs $tool >= $(least "$tool"). It is not in PATH, and Debian $RELEASE's $(package "$tool") could not be fetched." >&2
done
[ "${CI:-}" != true ]
