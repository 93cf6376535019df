#!/bin/sh
# Writes /tmp/nginx before nginx starts: where names are looked up, where signaling and the bridge are, and TLS where there
# is a certificate. SIGNALING and MCP_BRIDGE are `host:port`; on Kubernetes with the whole name, since nginx searches no
# domain. CERTS holds cert.pem and key.pem.
set -eu
signaling=${SIGNALING:-signaling:8080}
mcp_bridge=${MCP_BRIDGE:-mcp-bridge:8080}
certs=${CERTS:-/certs}
places=${PLACES:-/tmp/nginx}

for place in "$signaling" "$mcp_bridge"; do
    case "$place" in
        *[!A-Za-z0-9.:_-]*|""|:*|*:) echo "$0: '$place' is not a place such as signaling:8080" >&2; exit 1 ;;
    esac
done

servers=$(awk '$1 == "nameserver" { print (index($2, ":") ? "[" $2 "]" : $2) }' /etc/resolv.conf | tr '\n' ' ')
[ -n "$servers" ] || { echo "$0: /etc/resolv.conf names no server" >&2; exit 1; }

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
