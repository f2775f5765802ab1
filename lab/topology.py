"""Who is where: the roles, networks and addresses of a lab, as in docker-compose.yml.

```
 client    .10 ┬─ client_net ─── .2 ┐                            ┌ .10  server
(browser   .20)┤                    router  .2 ── server_net ────┤(.20  gateway)
(clients   .30)┘                     │                           └(.30  workshop)
 bystander .10 ── bystander_net ─ .2 ┤
(windows   .10)── windows_net ─── .2 ┘
```
The hosts in brackets are guests: a lab has one when a case asks for it.
Lab n owns block n: eight /24 of 198.18.0.0/15 and the /48 2001:db8:n::. The
server also holds one address of "elsewhere" on its loopback interface; only the
router's route leads there, so that a route can be broken without hurting anyone
who talks to the server itself.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Literal

Family = Literal["ipv4", "ipv6"]
FAMILIES: tuple[Family, ...] = ("ipv4", "ipv6")

CORE_HOSTS = ("server", "router", "client", "bystander")
# Hosts with an image and a Compose profile of their own, and the network they live on.
GUESTS = {"gateway": "server_net", "workshop": "server_net", "browser": "client_net",
          "clients": "client_net", "windows": "windows_net"}  # fmt: skip
HOSTS = (*CORE_HOSTS, *GUESTS)
# Where a caller's program may run: the hosts on the client's side of the router.
CALLERS = ("client", *(role for role, network in GUESTS.items() if network != "server_net"))
VANTAGES = ("client", "router", "server")
# From left to right in a drawing.
ACROSS = ("client", "browser", "clients", "windows", "router", "gateway", "workshop", "server")
NETWORKS = ("client_net", "bystander_net", "server_net", "windows_net")
BLOCKS = 64

ELSEWHERE: dict[Family, str] = {"ipv4": "203.0.113.10", "ipv6": "2001:db8:ffff::10"}
ELSEWHERE_NET: dict[Family, str] = {"ipv4": "203.0.113.0/24", "ipv6": "2001:db8:ffff::/48"}

# What a fault may name as a destination: hosts, and addresses that nobody has, on the
# server's network and on those of callers.
NOBODYS = ("absent", "absent_near", "absent_windows")
# Nobody's address on a caller's own network.
ABSENT_NEAR = {"client": "absent_near", "windows": "absent_windows"}
_NEAR = {nobody: caller for caller, nobody in ABSENT_NEAR.items()}
DESTINATIONS = (*HOSTS, "elsewhere", *NOBODYS)
# Addresses that mean something to the caller's own kernel alone.
SPECIAL: dict[str, dict[Family, str]] = {
    "any": {"ipv4": "0.0.0.0", "ipv6": "::"},
    "loopback": {"ipv4": "127.0.0.1", "ipv6": "::1"},
    "broadcast": {"ipv4": "255.255.255.255", "ipv6": "ff02::1"},
    # On whose link, an IPv6 caller must say; nobody has it here.
    "link_local": {"ipv4": "169.254.99.99", "ipv6": "fe80::99"},
}
# What a call may name.
ADDRESSES = (*DESTINATIONS, *SPECIAL)

ECHO_PORT, WEB_PORT = 16555, 8080
# The last part of an address on its network, where it is not 10.
LAST = {"router": "2", **dict.fromkeys(NOBODYS, "99"),
        "gateway": "20", "workshop": "30", "browser": "20", "clients": "30"}  # fmt: skip
# Those that a program may be told to go to; each has a name for both families, "server",
# and one for each alone, "server4".
NAMED = ("server", "elsewhere", "absent", "absent_near", "gateway")
DIGIT: dict[Family, str] = {"ipv4": "4", "ipv6": "6"}
# What marks everything of a lab; its value is the lab's name.
LABEL = "errnolab.lab"


def home(role: str) -> str:
    """Return the network that a role other than the router lives on."""
    if role in GUESTS:
        return GUESTS[role]
    if role in ("server", "elsewhere", "absent"):
        return "server_net"
    return f"{_NEAR.get(role, role)}_net"


def columns(seen: Container[str]) -> tuple[str, ...]:
    """Return the hosts of a drawing: the vantages, or those who saw packets if guests did."""
    if not any(role in seen for role in GUESTS):
        return VANTAGES
    return tuple(role for role in ACROSS if role in seen or role == "router")


def host_names() -> dict[str, list[tuple[str, Family]]]:
    """Return each name that a host of the lab knows (docker-compose.yml), with its addresses.

    An address is (role, family). A name of one family ends with its digit; "twofold4" and
    "twofold6" have two addresses of it, in this order, of which the first is nobody's.
    """
    found: dict[str, list[tuple[str, Family]]] = {
        role: [(role, family) for family in FAMILIES]
        for role in dict.fromkeys((*HOSTS, *NAMED))
        if role != "router"
    }
    for family, digit in DIGIT.items():
        found |= {role + digit: [(role, family)] for role in NAMED}
        found["twofold" + digit] = [("absent", family), ("server", family)]
    return found


@dataclass(frozen=True)
class Block:
    """The addresses of one lab; `number` is 0 to 63."""

    number: int

    def prefix4(self, network: str) -> str:
        """Return the first three octets of a network, for example "198.18.2"."""
        octet = self.number % 32 * 8 + NETWORKS.index(network)
        return f"198.{18 + self.number // 32}.{octet}"

    def prefix6(self, network: str) -> str:
        """Return the first four groups of a network, for example "2001:db8:0:2"."""
        return f"2001:db8:{self.number:x}:{NETWORKS.index(network):x}"

    def networks(self) -> list[IPv4Network | IPv6Network]:
        """Return every subnet of the block that the lab's bridges use."""
        return [
            ip_network(text)
            for name in NETWORKS
            for text in (f"{self.prefix4(name)}.0/24", f"{self.prefix6(name)}::/64")
        ]

    def address(self, role: str, family: Family, *, on: str = "") -> str:
        """Return a role's address; `on` names the network, which the router needs."""
        if role == "elsewhere":
            return ELSEWHERE[family]
        if role in SPECIAL:
            return SPECIAL[role][family]
        last = LAST.get(role, "10")
        network = on or (home(role) if role != "router" else "client_net")
        text = (
            f"{self.prefix4(network)}.{last}"
            if family == "ipv4"
            else f"{self.prefix6(network)}::{last}"
        )
        return str(ip_address(text))

    def names(self) -> dict[str, str]:
        """Return address to role, for every address of the lab."""
        found = {ELSEWHERE[family]: "elsewhere" for family in FAMILIES}
        for family in FAMILIES:
            for network in NETWORKS:
                found[self.address("router", family, on=network)] = "router"
            for role in (*HOSTS, *NOBODYS):
                if role != "router":
                    found[self.address(role, family)] = role
        return found

    def environment(
        self, lab: str, images: Mapping[str, str], gateway_mode: str = "nat"
    ) -> Mapping[str, str]:
        """Return the variables that docker-compose.yml asks for.

        Args: `images` is the hosts' under "host", and of each guest under its role.
        """
        found = {"ERRNOLAB_LAB": lab, "ERRNOLAB_BLOCK": str(self.number),
                 "ERRNOLAB_GATEWAY_MODE": gateway_mode}  # fmt: skip
        for name, image in images.items():
            found["ERRNOLAB_IMAGE" if name == "host" else f"{name.upper()}_IMAGE"] = image
        for network in NETWORKS:
            name = network.removesuffix("_net").upper()
            found[f"{name}4"] = self.prefix4(network)
            found[f"{name}6"] = self.prefix6(network)
        return found
