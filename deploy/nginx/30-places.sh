#!/bin/sh
# Writes /tmp/nginx before nginx starts: where names are looked up, where signaling and the bridge are, and TLS where there
# is a certificate. SIGNALING and MCP_BRIDGE are `host:port`; on Kubernetes `name.namespace.svc:port`, to which the
# cluster's domain is added, since nginx searches none. CERTS holds cert.pem and key.pem.
set -eu
signaling=${SIGNALING:-signaling:8080}
mcp_bridge=${MCP_BRIDGE:-mcp-bridge:8080}
certs=${CERTS:-/certs}
places=${PLACES:-/tmp/nginx}
resolv_conf=${RESOLV_CONF:-/etc/resolv.conf}

for place in "$signaling" "$mcp_bridge"; do
    case "$place" in
        *[!A-Za-z0-9.:_-]*|""|:*|*:) echo "$0: '$place' is not a place such as signaling:8080" >&2; exit 1 ;;
    esac
done

# The first alone: nginx asks all of them in turn and believes whichever says that there is no such name, where others try
# the next one. podman names the host's servers behind its own, and those do not know our names.
servers=$(awk '$1 == "nameserver" { print (index($2, ":") ? "[" $2 "]" : $2); exit }' "$resolv_conf")
[ -n "$servers" ] || { echo "$0: $resolv_conf names no server" >&2; exit 1; }

# A pod searches NAMESPACE.svc.DOMAIN, svc.DOMAIN and DOMAIN.
domain=$(awk '$1 == "search" { for (i = 2; i <= NF; i++) if (sub(/^svc\./, "", $i)) { print $i; exit } }' "$resolv_conf")
whole() {
    case "$1" in
        *.svc:*) echo "${1%:*}.${domain:-cluster.local}:${1##*:}" ;;
        *) echo "$1" ;;
    esac
}
signaling=$(whole "$signaling") mcp_bridge=$(whole "$mcp_bridge")

mkdir -p "$places"
echo "resolver $servers valid=5s; resolver_timeout 3s;" > "$places/resolver.conf"
# shellcheck disable=SC2016  # the dollars are nginx'
printf 'set $signaling "%s";\nset $mcp_bridge "%s";\n' "$signaling" "$mcp_bridge" > "$places/upstreams.conf"

: > "$places/tls.conf"
# A link that leads nowhere is one that was meant to.
found() { [ -e "$1" ] || [ -L "$1" ]; }
if found "$certs/cert.pem" || found "$certs/key.pem"; then
    # Rather not at all than without what was meant to protect it.
    [ -r "$certs/cert.pem" ] && [ -r "$certs/key.pem" ] || {
        echo "$0: cannot read $certs/cert.pem and $certs/key.pem as user $(id -u)" >&2; exit 1
    }
    cat > "$places/tls.conf" <<TLS
server {
    listen 8443 ssl default_server;
    http2 on;
    ssl_certificate $certs/cert.pem;
    ssl_certificate_key $certs/key.pem;
    include /etc/nginx/site.conf;
}
TLS
fi
