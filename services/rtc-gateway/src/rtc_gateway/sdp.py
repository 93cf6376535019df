"""What of a stranger's SDP and candidates reaches aiortc, and what of ours a stranger is told. Pure.

A page without camera permission offers only mDNS names (`x.local`), which aioice would look up for a second each, and
Firefox ends its vanilla offer with `a=end-of-candidates`, after which aioice fails at once instead of waiting for the
browser's checks. So neither gets through, and the peer's own watchdog decides when a connection has failed.
"""

import ipaddress
import re
from typing import Final

from contracts.limits import CANDIDATES_MAX, FRAME_MAX_BYTES
from contracts.message import ErrorCode, Problem, preview
from rtc_gateway.addresses import IPAddress
from rtc_gateway.peer import PeerError

_CANDIDATE: Final = re.compile(
    r"(?:a=)?(?:candidate:)?(?P<foundation>[A-Za-z0-9+/]{1,32}) (?P<component>[0-9]{1,3}) (?P<transport>[A-Za-z-]{1,8})"
    r" (?P<priority>[0-9]{1,10}) (?P<address>[^ ]{1,255}) (?P<port>[0-9]{1,5}) typ (?P<type>[a-z]{1,8})(?: .*)?",
    re.ASCII,
)
_MEDIA: Final = re.compile(r"m=application [0-9]{1,5} UDP/DTLS/SCTP webrtc-datachannel", re.ASCII)
_REQUIRED: Final = ("a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=setup:")
# What each line of these names may hold. A ufrag goes out in every check to every candidate, so a long one would make
# of each small offer many large datagrams to whomever it names (RFC 8839 section 5.4 bounds it). BUNDLE names one
# section, since there is only one. Ten digits are more than any size, and not too many for int().
_VALUES: Final = {
    "a=ice-ufrag": (re.compile(r"[A-Za-z0-9+/]{4,256}"), "must be 4 to 256 characters of A-Z, a-z, 0-9, + and /"),
    "a=ice-pwd": (re.compile(r"[A-Za-z0-9+/]{22,256}"), "must be 22 to 256 characters of A-Z, a-z, 0-9, + and /"),
    "a=group": (re.compile(r"BUNDLE [^ ]{1,64}"), "must be `BUNDLE` and the one section's mid"),
    "a=max-message-size": (re.compile(r"[0-9]{1,10}"), "must be a number of bytes, of at most ten digits"),
}
_USABLE_TYPES: Final = frozenset({"host", "srflx", "relay"})


def usable_candidate(text: str) -> str | None:
    """One candidate as aiortc may have it: `foundation component transport ...`, without extensions.

    None for what we have no use for: mDNS names, TCP, RTCP's component, the empty text that ends candidates, and
    addresses that are nobody's or many's, such as a multicast group's.
    Raises PeerError for what is no candidate.
    """
    if not text.strip():
        return None
    match = _CANDIDATE.fullmatch(text.strip())
    if match is None:
        raise PeerError(_invalid("candidate", "is not an ICE candidate; send it as the browser made it", text))
    part = match.groupdict()
    if part["address"].lower().endswith(".local") or part["transport"].lower() != "udp" or part["component"] != "1":
        return None
    if part["type"] not in _USABLE_TYPES:
        return None
    try:
        address = ipaddress.ip_address(part["address"])
    except ValueError as error:
        problem = _invalid("candidate", "has an address that is no IP address; send it as the browser made it", text)
        raise PeerError(problem) from error
    if not 0 < int(part["port"]) <= 65_535:
        raise PeerError(_invalid("candidate", "has a port beyond 1 to 65535; send it as the browser made it", text))
    if not _is_ones(address):
        return None
    return f"{part['foundation']} 1 udp {part['priority']} {part['address']} {int(part['port'])} typ {part['type']}"


def usable_offer(sdp: str) -> str:
    """The offer as aiortc may have it: one data section, usable candidates only, no end of candidates.

    Raises PeerError, which names what is missing or too much.
    """
    lines = sdp.splitlines()
    _check_media(lines)
    kept: list[str] = []
    candidates = 0
    for line in lines:
        if line.startswith("a=end-of-candidates"):
            continue
        if not line.startswith("a=candidate:"):
            kept.append(line)
            continue
        candidates += 1
        if candidates > CANDIDATES_MAX:
            detail = f"holds over {CANDIDATES_MAX} candidates; send fewer"
            raise PeerError(Problem(code=ErrorCode.LIMIT, field="sdp", detail=detail))
        usable = usable_candidate(line)
        if usable is not None:
            kept.append(f"a=candidate:{usable}")
    return "\r\n".join(kept) + "\r\n"


def announcing(answer: str, announced: ipaddress.IPv4Address, local: IPAddress | None) -> str:
    """Our answer with one candidate more, in front of the others: `announced`, at the port of the candidate with the
    address `local`, or else of the first with IPv4. `c=` and `m=` name it too.

    The others stay, a little less preferred: a relay in our own network reaches those, and perhaps not the announced.
    Raises PeerError where no candidate has IPv4.
    """
    lines = answer.splitlines()
    ours = [match for line in lines if (match := _CANDIDATE.fullmatch(line)) is not None]
    standing_for = [match for match in ours if match["address"] == str(local)] or [
        match for match in ours if ":" not in match["address"]
    ]
    if not standing_for:
        detail = "this gateway has no IPv4 address to be reached at; try again, another one may have"
        raise PeerError(Problem(code=ErrorCode.CAPACITY, detail=detail))
    port, priority = standing_for[0]["port"], standing_for[0]["priority"]
    told: list[str] = []
    for line in lines:
        if line.startswith("c="):
            told.append(f"c=IN IP4 {announced}")
        elif line.startswith("m="):
            told.append(re.sub(r"(?<= )[0-9]+", port, line, count=1))
        elif line == ours[0].string:
            told += (f"a=candidate:announced 1 udp {priority} {announced} {port} typ host", _less_preferred(ours[0]))
        else:
            match = _CANDIDATE.fullmatch(line)
            told.append(line if match is None else _less_preferred(match))
    return "\r\n".join(told) + "\r\n"


def _less_preferred(candidate: re.Match[str]) -> str:
    """The same line with the next lower local preference, RFC 8445 section 5.1.2.1."""
    before, after = candidate.span("priority")
    line = candidate.string
    return f"{line[:before]}{int(candidate['priority']) - (1 << 8)}{line[after:]}"


def _check_media(lines: list[str]) -> None:
    if not lines or lines[0].strip() != "v=0":
        raise PeerError(_invalid("sdp", "is no SDP; send the offer as the browser made it", lines[0] if lines else ""))
    media = [line.strip() for line in lines if line.startswith("m=")]
    if len(media) != 1 or _MEDIA.fullmatch(media[0]) is None:
        detail = "must offer exactly one section, `m=application ... UDP/DTLS/SCTP webrtc-datachannel`"
        raise PeerError(_invalid("sdp", detail, " ".join(media)))
    for prefix in _REQUIRED:
        if not any(line.startswith(prefix) for line in lines):
            raise PeerError(_invalid("sdp", f"lacks `{prefix.rstrip(':')}`; send the offer as the browser made it"))
    for line in lines:
        _check_value(*line.strip().partition(":")[::2])


def _check_value(name: str, value: str) -> None:
    pattern, rule = _VALUES.get(name, (None, ""))
    if pattern is not None and pattern.fullmatch(value) is None:
        raise PeerError(_invalid("sdp", f"has an `{name}` that cannot be used; it {rule}", value))
    if name == "a=max-message-size" and 0 < int(value) < FRAME_MAX_BYTES:
        raise PeerError(_invalid("sdp", f"must take messages of {FRAME_MAX_BYTES} bytes", f"{name}:{value}"))


def _is_ones(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether it is the address of one machine: not of a group, of everybody, or of nobody."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    one = mapped or address
    # 240.0.0.0/4, which IPv4 calls reserved, ends with the broadcast address and holds no machine.
    nobodys = one.is_reserved if isinstance(one, ipaddress.IPv4Address) else False
    return not (one.is_multicast or one.is_unspecified or nobodys)


def _invalid(field: str, detail: str, value: str | None = None) -> Problem:
    shown = None if value is None else preview(value)
    return Problem(code=ErrorCode.INVALID, field=field, detail=detail, value=shown)
