"""Words: addresses and bytes, as the C library turns them over; nothing is sent."""

from __future__ import annotations

from typing import Any

from lab.calls.call import Call, said


def inet_pton(*, on: str, text: str, domain: str | int = "AF_INET") -> Call:
    """inet_pton(3): 1, or 0 for no address; it tells the bytes, "c6 12 02 0a".

    Args: `domain` is a name, or a number that no family has.
    """
    return Call(on, "inet_pton", {"text": text, "domain": domain}, socket="")


def inet_ntop(
    *, on: str, octets: str, domain: str | int = "AF_INET", size: int = 46
) -> Call:  # fmt: skip
    """inet_ntop(3) of bytes in hexadecimal into a buffer of `size`: 1, and it tells the text.

    Args: `domain` as of `inet_pton`.
    """
    return Call(on, "inet_ntop", {"octets": octets, "domain": domain, "size": size}, socket="")


def inet_addr(*, on: str, text: str) -> Call:
    """inet_addr(3); the value is the in_addr_t, 4294967295 (INADDR_NONE) also for no address.

    It tells the bytes, "c6 12 02 0a".
    """
    return Call(on, "inet_addr", {"text": text}, socket="")


def inet_aton(*, on: str, text: str) -> Call:
    """inet_aton(3): 1, or 0 for no address; it tells the bytes."""
    return Call(on, "inet_aton", {"text": text}, socket="")


def htons(*, on: str, number: int) -> Call:
    """htons(3), of 16 bits; it tells the bytes as they lie in memory: of 16555 "40 ab"."""
    return Call(on, "htons", {"number": number}, socket="")


def ntohs(*, on: str, number: int) -> Call:
    """ntohs(3), of 16 bits; it tells the bytes as they lie in memory."""
    return Call(on, "ntohs", {"number": number}, socket="")


def htonl(*, on: str, number: int) -> Call:
    """htonl(3), of 32 bits; it tells the bytes as they lie in memory."""
    return Call(on, "htonl", {"number": number}, socket="")


def ntohl(*, on: str, number: int) -> Call:
    """ntohl(3), of 32 bits; it tells the bytes as they lie in memory."""
    return Call(on, "ntohl", {"number": number}, socket="")


def getaddrinfo(
    *, on: str, node: Any = None, service: str | None = None,
    domain: str | int = "AF_UNSPEC", type: str = "SOCK_STREAM", flags: str = "",
    in_order: bool = False,
) -> Call:  # fmt: skip
    """getaddrinfo(3); it tells the addresses, sorted, with commas; it `fails("EAI_NONAME")`.

    Args: `node` is a name of a host of the lab or an address, `service` a port; with
    `in_order` the addresses are told as the caller gets them, the one to try first in front.
    Source: getaddrinfo(3), RFC 6724 6.
    """
    arguments = {"domain": domain, "type": type,
                 **said(node=node, service=service, flags=flags, in_order=in_order)}  # fmt: skip
    return Call(on, "getaddrinfo", arguments, socket="")


def sizeof(*, on: str, struct: str) -> Call:
    """Return the size of a struct as C's sizeof has it, which is the value.

    Args: `struct` is "sockaddr", "sockaddr_in", "sockaddr_in6", "sockaddr_un",
    "sockaddr_storage", "in_addr" or "in6_addr".
    """
    return Call(on, "sizeof", {"struct": struct}, socket="")
