"""A lab as a fault's plan sees it: looked at, and never changed."""

from __future__ import annotations

from dataclasses import dataclass, field

from lab.topology import Block, Family

BLOCK = Block(0)
# What `ip route show` prints of a host's ways, but for those that the kernel makes itself.
ROUTES = {
    "ipv4": "203.0.113.0/24 via 198.18.2.10 dev eth1\ndefault via 198.18.2.1 dev eth1\n",
    "ipv6": "2001:db8:ffff::/48 via 2001:db8:0:2::10 dev eth1 metric 1024 pref medium\n",
}
KERNELS_OWN = {
    "ipv4": "198.18.0.0/24 proto kernel scope link src 198.18.0.10\n",
    "ipv6": "2001:db8::/64 proto kernel metric 256 pref medium\n",
}
ADDRESSES = (
    "2: eth0    inet6 2001:db8::10/64 scope global \\       valid_lft forever\n"
    "2: eth0    inet6 fe80::42:c6ff:fe12:a/64 scope link \\       valid_lft forever\n"
)


@dataclass
class Site:
    """A lab in one family; it remembers what was looked at."""

    family: Family = "ipv4"
    flavour: str = "nft"
    looked: list[tuple[str, ...]] = field(default_factory=list)

    def address(self, role: str, *, on: str = "") -> str:
        return BLOCK.address(role, self.family, on=on)

    def interface(self, host: str, toward: str) -> str:
        return f"{host}-to-{toward}"

    def look(self, host: str, *argv: str) -> str:
        self.looked.append((host, *argv))
        if argv[0] == "cat":
            return "1000\n"
        if "address" in argv:
            return ADDRESSES
        return ROUTES[self.family] + (KERNELS_OWN[self.family] if "dev" in argv else "")
