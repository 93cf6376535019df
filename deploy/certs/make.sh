#!/bin/sh
# `make certs`: a certificate for TLS of this machine, as certs/served/cert.pem and key.pem, which nginx takes when it starts.
# By mkcert where it is installed; otherwise one that is signed by itself, of which browsers warn. For localhost, for
# DOCKER_HOST_IP and PUBLISHED_ON (of the environment or .env), and for CERT_NAMES="todo.lan 192.168.1.7".
#
# One that is good for all of these and for another month is left alone, and so is one of somebody else's, whatever it is.
#
# Who reads the key: nginx in its container, as user 101, which this machine does not know. So the file may be read by
# all, and the folder around it, certs/, by its owner alone: a mount of certs/served does not pass through it.
set -euf
cd "$(dirname "$0")/../.."
CERTS=${CERTS:-certs}
served=$CERTS/served
cert=$served/cert.pem
key=$served/key.pem
MONTH_S=2592000
DAYS=397 # browsers take no certificate for longer
OURS="todo-agent, signed by itself"

fail() { echo "make certs: $*" >&2; exit 1; }

setting() {  # setting NAME: from the environment, or else from .env
    eval "value=\${$1:-}"
    [ -n "$value" ] || value=$(sed -nE "s/^$1=[\"']?([^\"'#[:space:]]*).*/\1/p" .env 2>/dev/null | tail -n 1)
    echo "$value"
}

names() {  # one a line, each once
    for name in localhost 127.0.0.1 ::1 $(setting DOCKER_HOST_IP) $(setting PUBLISHED_ON) $(echo "${CERT_NAMES:-}" | tr , ' '); do
        [ "$name" = 0.0.0.0 ] || echo "$name"
    done | sort -u
}

is_address() { case "$1" in *:*) true ;; *[!0-9.]*) false ;; *) true ;; esac }

good() {  # whether what is there serves all names for another month, with the key beside it
    [ -s "$cert" ] && [ -s "$key" ] || return 1
    openssl x509 -in "$cert" -noout -checkend "$MONTH_S" >/dev/null 2>&1 || return 1
    [ "$(openssl x509 -in "$cert" -noout -pubkey 2>/dev/null)" = "$(openssl pkey -in "$key" -pubout 2>/dev/null)" ] || return 1
    for name in $wanted; do
        if is_address "$name"; then asked=-checkip; else asked=-checkhost; fi
        openssl x509 -in "$cert" -noout "$asked" "$name" 2>/dev/null | grep -q "does match" || return 1
    done
}

made_by() {  # mkcert, us, or another
    case "$(openssl x509 -in "$cert" -noout -subject 2>/dev/null)" in
        *mkcert*) echo mkcert ;;
        *"$OURS"*) echo us ;;
        *) echo another ;;
    esac
}

signed_by_itself() {
    alternatives=$(for name in $wanted; do
        if is_address "$name"; then echo "IP:$name"; else echo "DNS:$name"; fi
    done | paste -sd , -)
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 -days "$DAYS" \
        -subj "/CN=$OURS" -addext "subjectAltName=$alternatives" -addext "basicConstraints=critical,CA:FALSE" \
        -addext "keyUsage=critical,digitalSignature" -addext "extendedKeyUsage=serverAuth" \
        -keyout "$new/key.pem" -out "$new/cert.pem" 2>"$new/log" || { cat "$new/log" >&2; return 1; }
}

command -v openssl >/dev/null 2>&1 || fail "openssl is not installed"
wanted=$(names)
for name in $wanted; do
    case "$name" in *[!A-Za-z0-9.:-]* | -*) fail "'$name' is neither a name nor an address" ;; esac
done
mkdir -p "$served"
chmod 700 "$CERTS"
chmod 755 "$served"

if [ -e "$cert" ]; then
    by=$(made_by)
    if good && { [ "$by" != us ] || ! command -v mkcert >/dev/null 2>&1; }; then
        echo "$cert is good, and left as it is ($(openssl x509 -in "$cert" -noout -enddate | sed 's/.*=/until /'))"
        exit 0
    fi
    [ "$by" != another ] || fail "$cert is not ours, and not good for $(echo "$wanted" | paste -sd ' ' -) for another month; renew it where it comes from, or move it away"
fi

new=$(mktemp -d "$served/.new.XXXXXX")
trap 'rm -rf "$new"' EXIT
umask 077
if command -v mkcert >/dev/null 2>&1; then
    # shellcheck disable=SC2086  # a list of names
    mkcert -cert-file "$new/cert.pem" -key-file "$new/key.pem" $wanted >"$new/log" 2>&1 || { cat "$new/log" >&2; exit 1; }
    said="Browsers of this machine trust it once you have run: mkcert -install
Other devices need $(mkcert -CAROOT)/rootCA.pem among the authorities that they trust; keep rootCA-key.pem to yourself."
else
    signed_by_itself
    said="It is signed by itself, so every browser warns, and some phones will not connect at all. With mkcert installed, 'make certs' makes one that they trust."
fi
chmod 644 "$new/cert.pem" "$new/key.pem"
mv -f "$new/key.pem" "$key"
mv -f "$new/cert.pem" "$cert"
echo "$cert is for $(echo "$wanted" | paste -sd ' ' -), $(openssl x509 -in "$cert" -noout -enddate | sed 's/.*=/until /')"
echo "$said"
echo "nginx takes it when it starts: docker compose restart page"
