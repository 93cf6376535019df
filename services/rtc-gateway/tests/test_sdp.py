"""What of a stranger's SDP reaches aiortc, and what of ours a stranger is told."""

import ipaddress

import pytest

from contracts.limits import CANDIDATES_MAX
from contracts.message import ErrorCode
from rtc_gateway.peer import PeerError
from rtc_gateway.sdp import announcing, usable_candidate, usable_offer

from .pair import candidates_in

OFFER = """v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=candidate:1 1 udp 2122260223 5a1e8f0c-93ab-4d51-8a5e-3f3a5d1b7c11.local 50000 typ host generation 0
a=candidate:2 1 UDP 1686052607 203.0.113.9 50001 typ srflx raddr 0.0.0.0 rport 0 generation 0
a=candidate:3 1 tcp 1518280447 203.0.113.9 9 typ host tcptype active generation 0
a=end-of-candidates
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuvwx
a=fingerprint:sha-256 00:11
a=setup:actpass
a=mid:0
a=sctp-port:5000
a=max-message-size:262144
""".replace("\n", "\r\n")


def test_only_usable_candidates_stay_and_their_end_goes() -> None:
    usable = usable_offer(OFFER)
    candidates = [line for line in usable.splitlines() if line.startswith("a=candidate:")]
    assert candidates == ["a=candidate:2 1 udp 1686052607 203.0.113.9 50001 typ srflx"]
    assert "end-of-candidates" not in usable
    assert len(candidates_in(usable)) == 1


def test_nothing_else_is_changed() -> None:
    def rest(sdp: str) -> list[str]:
        return [line for line in sdp.splitlines() if not line.startswith(("a=candidate:", "a=end-of-candidates"))]

    assert rest(usable_offer(OFFER)) == rest(OFFER)


@pytest.mark.parametrize(
    ("sdp", "says"),
    [
        ("", "is no SDP"),
        ("hello", "is no SDP"),
        (OFFER.replace("m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n", ""), "exactly one section"),
        (OFFER + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n", "exactly one section"),
        (OFFER.replace("m=application", "m=video"), "exactly one section"),
        (OFFER.replace("a=ice-ufrag:abcd\r\n", ""), "lacks `a=ice-ufrag`"),
        (OFFER.replace("a=ice-pwd:", "a=x-pwd:"), "lacks `a=ice-pwd`"),
        (OFFER.replace("a=fingerprint:", "a=x:"), "lacks `a=fingerprint`"),
        (OFFER.replace("a=setup:actpass\r\n", ""), "lacks `a=setup`"),
        (OFFER.replace("262144", "100"), "must take messages"),
        (OFFER.replace("262144", "-1"), "must be a number of bytes"),
        (OFFER.replace("262144", "9" * 5000), "must be a number of bytes"),
        (OFFER.replace("262144", "٣٣٣٣٣٣"), "must be a number of bytes"),
        (OFFER.replace("a=ice-ufrag:abcd", "a=ice-ufrag:abc"), "must be 4 to 256 characters"),
        (OFFER.replace("a=ice-ufrag:abcd", "a=ice-ufrag:" + "a" * 257), "must be 4 to 256 characters"),
        (OFFER + "a=ice-ufrag:" + "a" * 1000 + "\r\n", "must be 4 to 256 characters"),
        (OFFER.replace("a=ice-ufrag:abcd", "a=ice-ufrag:ab:cd"), "must be 4 to 256 characters"),
        (OFFER.replace("a=ice-pwd:abcdefghijklmnopqrstuvwx", "a=ice-pwd:" + "a" * 21), "must be 22 to 256 characters"),
        (OFFER.replace("a=ice-pwd:abcdefghijklmnopqrstuvwx", "a=ice-pwd:" + "a" * 257), "must be 22 to 256 characters"),
        (OFFER.replace("BUNDLE 0", "BUNDLE" + " 0" * 10_000), "the one section's mid"),
        (OFFER.replace("BUNDLE 0", "BUNDLE"), "the one section's mid"),
        (OFFER.replace("203.0.113.9 50001", "203.0.113.9 none"), "is not an ICE candidate"),
    ],
)
def test_an_offer_that_cannot_be_used_is_refused_with_what_is_wrong(sdp: str, says: str) -> None:
    with pytest.raises(PeerError) as refused:
        usable_offer(sdp)
    problem = refused.value.problem
    assert problem.code is ErrorCode.INVALID
    assert says in problem.detail
    assert problem.field in {"sdp", "candidate"}


def test_the_longest_credentials_that_the_standard_has_are_taken() -> None:
    longest = OFFER.replace(":abcd\r", ":" + "+" * 256 + "\r").replace(":abcdefghijklmnopqrstuvwx", ":" + "/" * 256)
    assert "+" * 256 in usable_offer(longest)


def test_too_many_candidates_are_refused() -> None:
    line = "a=candidate:1 1 udp 1 203.0.113.9 5000 typ host\r\n"
    with pytest.raises(PeerError) as refused:
        usable_offer(OFFER + line * CANDIDATES_MAX)
    assert refused.value.problem.code is ErrorCode.LIMIT


@pytest.mark.parametrize(
    ("text", "usable"),
    [
        ("candidate:1 1 udp 1 192.0.2.9 5000 typ host", "1 1 udp 1 192.0.2.9 5000 typ host"),
        ("candidate:1 1 UDP 1 fd00::1 5000 typ relay raddr x rport y", "1 1 udp 1 fd00::1 5000 typ relay"),
        ("candidate:1 2 udp 1 192.0.2.9 5000 typ host", None),
        ("candidate:1 1 udp 1 192.0.2.9 5000 typ prflx", None),
        ("candidate:1 1 udp 1 a.local 5000 typ host", None),
        ("candidate:1 1 udp 1 127.0.0.1 5000 typ host", "1 1 udp 1 127.0.0.1 5000 typ host"),
        ("candidate:1 1 udp 1 224.0.0.251 5353 typ host", None),
        ("candidate:1 1 udp 1 ff02::fb 5353 typ host", None),
        ("candidate:1 1 udp 1 ::ffff:224.0.0.251 5353 typ host", None),
        ("candidate:1 1 udp 1 255.255.255.255 5000 typ host", None),
        ("candidate:1 1 udp 1 0.0.0.0 5000 typ host", None),
        ("candidate:1 1 udp 1 :: 5000 typ srflx", None),
        ("  ", None),
    ],
)
def test_a_candidate_is_reduced_to_what_aiortc_reads(text: str, usable: str | None) -> None:
    assert usable_candidate(text) == usable


ANSWER = "\r\n".join(
    (
        "v=0",
        "s=-",
        "m=application 50001 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP6 fd00::2",
        "a=mid:0",
        "a=candidate:0a 1 udp 2130706431 fd00::2 50001 typ host",
        "a=candidate:0b 1 udp 2130706431 172.17.0.1 50002 typ host",
        "a=candidate:0c 1 udp 2130706431 10.1.2.3 50003 typ host",
        "a=end-of-candidates",
        "",
    )
)
PUBLIC = ipaddress.IPv4Address("203.0.113.7")


def test_an_announced_address_comes_first_and_the_local_ones_stay_behind_it() -> None:
    assert announcing(ANSWER, PUBLIC, ipaddress.ip_address("10.1.2.3")).split("\r\n") == [
        "v=0",
        "s=-",
        "m=application 50003 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 203.0.113.7",
        "a=mid:0",
        "a=candidate:announced 1 udp 2130706431 203.0.113.7 50003 typ host",
        "a=candidate:0a 1 udp 2130706175 fd00::2 50001 typ host",
        "a=candidate:0b 1 udp 2130706175 172.17.0.1 50002 typ host",
        "a=candidate:0c 1 udp 2130706175 10.1.2.3 50003 typ host",
        "a=end-of-candidates",
        "",
    ]


@pytest.mark.parametrize("local", [None, ipaddress.ip_address("192.0.2.1")])
def test_an_announced_address_stands_for_the_first_with_ipv4_where_the_way_out_is_none_of_ours(
    local: ipaddress.IPv4Address | None,
) -> None:
    assert "203.0.113.7 50002 typ host" in announcing(ANSWER, PUBLIC, local)


def test_an_announced_address_that_stands_for_nothing_is_the_error_capacity() -> None:
    without_ipv4 = "\r\n".join(line for line in ANSWER.splitlines() if "172." not in line and "10.1" not in line)
    with pytest.raises(PeerError) as refused:
        announcing(without_ipv4, PUBLIC, None)
    assert refused.value.problem.code is ErrorCode.CAPACITY
