"""A scenario's fault, aimed at another flow: whose calls, to which port, by which protocol.

A scenario breaks the way of the client to the lab's own echo. A program of somebody
else may run on another host and talk to another service: `aimed` makes the same fault
for it, or says why that cannot be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lab.errors import CannotAim
from lab.faults import Fault, reject, shut, stop
from lab.faults.firewall import UNREACHABLE_PORT
from lab.known import Known
from lab.topology import ECHO_PORT, GUESTS, home

CALLERS = ("client", "bystander", *GUESTS)
PROTOS = ("tcp", "udp")
# Who stands at the end of the way, and may answer; nobody, at the absent ones.
GOALS = ("server", "elsewhere", "absent", "absent_near")
ON_THE_WAY = ("client", "router", "server")
# What a fault on TCP may look for, if a datagram is to be it as well.
ANY_FLAGS = ("", "SYN", "data")
OF_STREAMS = ("cut", "join")


def aimed(fault: Fault, *, caller: str, proto: str, port: int, own: bool = False) -> Fault:
    """Return a copy of a fault that meets what `caller` and a service say to each other.

    Args: `fault` is as a scenario writes it: it is aimed before it is resolved, as what
    comes back may depend on the family. `caller` is the host that stands in the client's
    place, `proto` "tcp" or "udp", `port` the service's, which is the user's `own` or the
    lab's. A fault that names no flow (a
    route, a link, a setting) gets the caller, and is otherwise as it was.
    Raises: CannotAim, with the reason.
    """
    if caller not in CALLERS or proto not in PROTOS or not 1 <= port <= 65535:
        raise CannotAim(
            f"'{caller}', '{proto}', {port} is not one of {', '.join(CALLERS)}, one of "
            f"{', '.join(PROTOS)}, and a port"
        )
    return _Aim(fault, caller, proto, port, own).aimed()


@dataclass(frozen=True)
class _Aim:
    """One fault, and the flow that it is to meet."""

    fault: Fault
    caller: str
    proto: str
    port: int
    own: bool

    def aimed(self) -> Fault:
        self._check_place()
        if self.fault.kind in ("stop", "shut"):
            return self._spared(self._closed())
        arguments = self.fault.arguments
        if "sender" in arguments:
            self._check_flow()
            arguments = {**arguments, **self._flow()}
        for key in ("via", "where"):
            if key in arguments:
                arguments = {**arguments, key: self._role(arguments[key])}
        return self._spared(
            replace(self.fault, on=self._role(self.fault.on), to=self._role(self.fault.to),
                    arguments=arguments)
        )  # fmt: skip

    def _role(self, role: str) -> str:
        """Return who plays a role: the caller is the client, and the client a stranger."""
        return {"client": self.caller, self.caller: "client"}.get(role, role)

    def _spared(self, fault: Fault) -> Fault:
        """Let the bystander be asked for nothing where it is itself the caller."""
        return replace(fault, spares=()) if self.caller == "bystander" else fault

    # --- what cannot be ---------------------------------------------------------------

    def _refuse(self, why: str) -> CannotAim:
        return CannotAim(f"{self.fault.kind} on {self.fault.on}: {why}")

    def _check_place(self) -> None:
        """Refuse a fault of a place where the caller's packets do not come."""
        fault = self.fault
        if fault.on not in ON_THE_WAY:
            raise self._refuse(f"{fault.on} is not on the way from {self.caller} to the service")
        names = {fault.to, fault.arguments.get("via", "")}
        if "absent_near" in names and home(self.caller) != home("client"):
            raise self._refuse(f"absent_near is on the client's network, {self.caller} is not")
        beside = home(self.caller) == home("server")
        if beside and fault.on == "router" and fault.to != "elsewhere":
            raise self._refuse(
                f"{self.caller} is on the server's network: what it sends passes no router"
            )

    def _check_flow(self) -> None:
        """Refuse a fault of another flow than the client's with the echo."""
        arguments, to = self.fault.arguments, self.fault.to
        known = {key: arguments[key] for key in ("sender", "port", "proto") if key in arguments}
        if any(isinstance(value, Known) for value in (*known.values(), arguments.get("flags"))):
            raise self._refuse("whose packets it meets is known only in a run")
        sender = arguments["sender"]
        # Only this one looks at the port that packets come from.
        backward = self.fault.kind == "drop_reply"
        there, back = (to, sender) if backward else (sender, to)
        if there != "client" or back not in GOALS:
            raise self._refuse(f"it is about what {sender} sends to {to}")
        port = arguments["port"]
        # A rule of a firewall has it as iptables takes it: ["--dport", "16555"].
        said = str(port if isinstance(port, int) else port[1])
        if said != str(ECHO_PORT):
            raise self._refuse(f"it is about a port of its own, {said}")

    # --- what it becomes ---------------------------------------------------------------

    def _closed(self) -> Fault:
        """Return the fault by which nobody listens, as the flow's service lets it be made."""
        if self.fault.kind == "shut":
            self._check_flow()
        elif self.port == ECHO_PORT and not self.own:
            return stop(service="echo" if self.proto == "tcp" else "echo_udp")
        if self.proto == "tcp":
            return shut(to=self.fault.to, port=self.port, sender=self.caller)
        return reject(on="server", to=self.fault.to, port=self.port, sender=self.caller,
                      proto="udp", reply=UNREACHABLE_PORT)  # fmt: skip

    def _flow(self) -> dict[str, Any]:
        """Return the arguments that say which packets are met, as they are to be."""
        arguments = self.fault.arguments
        before = arguments.get("proto", "tcp")
        if (before, self.proto) == ("tcp", "udp"):
            self._check_datagrams()
        port = arguments["port"]
        found: dict[str, Any] = {
            "sender": self._role(arguments["sender"]),
            "port": self.port if isinstance(port, int) else [port[0], str(self.port)],
        }
        if "proto" in arguments:
            found["proto"] = self.proto
        if "flags" in arguments and self.proto == "udp":
            found["flags"] = ""
        if "by" in arguments:
            found["by"] = [self._answer(one) for one in arguments["by"]]
        if "steps" in arguments:
            found["steps"] = [self._step(step) for step in arguments["steps"]]
            found["flows"] = []  # All of one flow, as the scenario's own check saw.
        return found

    def _answer(self, one: Any) -> Any:
        is_icmp = not isinstance(one, Known) and one["kind"] == "icmp"
        return {**one, "source": self._role(one["source"])} if is_icmp else one

    def _step(self, step: Mapping[str, Any]) -> dict[str, Any]:
        return {**step, "flags": ""} if self.proto == "udp" and "flags" in step else {**step}

    def _check_datagrams(self) -> None:
        """Refuse a fault on segments that no datagram is like."""
        arguments = self.fault.arguments
        if "proto" not in arguments or arguments.get("match"):
            raise self._refuse("it knows TCP alone")
        steps: Sequence[Mapping[str, Any]] = arguments.get("steps", ())
        for flags in (arguments.get("flags", ""), *(step.get("flags", "") for step in steps)):
            if flags not in ANY_FLAGS:
                raise self._refuse(f"it is about segments with {flags}, and UDP has none")
        if any(step["do"] in OF_STREAMS for step in steps):
            raise self._refuse("it is about a stream, and UDP has none")
        if "tcp-reset" in repr(arguments.get("target", "")):
            raise self._refuse("it answers with a RST, and UDP has none")
        for one in arguments.get("by", ()):
            if isinstance(one, Known) or one["kind"] != "icmp":
                raise self._refuse("it answers with a segment, and UDP has none")
            if one["quote_seq_add"]:
                raise self._refuse("it quotes a sequence number, and UDP has none")
