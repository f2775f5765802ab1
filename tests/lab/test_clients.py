"""The clients of docs/clients.md, each with the service it talks to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import engine, guests, images
from lab import lab as labs
from lab.clients import GUEST, SERVICES
from lab.clients_list import CLIENTS, Client
from lab.errors import CommandFailed
from lab.lab import Lab
from lab.program import IN_A_HOST
from lab.topology import DIGIT, FAMILIES, Family

pytestmark = pytest.mark.clients
INVITED = "test-clients"
WITHIN_S = 20
# Runs a command with its first argument to read.
READING = ["sh", "-c", 'text=$1; shift; printf %s "$text" | exec "$@"', "sh"]


@pytest.fixture(scope="module")
def lab(here: engine.Engine) -> Iterator[Lab]:
    """A lab with the clients, and with every service of theirs in its server."""
    with labs.hold(INVITED, heal=True) as held:
        guests.invite(held, [GUEST])
        held.hosts["server"].run("errnolab-service", "start", "web")
        with labs.allocation_lock():
            tag = images.ensure_guest(here, SERVICES)
        services = here.client.containers.run(
            tag, detach=True, network_mode=f"container:{held.containers['server']['Id']}"
        )
        try:
            held.hosts["server"].run("timeout", str(WITHIN_S), "sh", "-c", _listening())
            yield held
        finally:
            services.remove(force=True)
    labs.remove(here, INVITED)


def _listening() -> str:
    """A command that ends when every service listens."""
    ports = sorted({one.service.port for one in CLIENTS})
    asked = " && ".join(f"ss -ltnH 'sport = :{port}' | grep -q ." for port in ports)
    return f"until {asked}; do sleep 0.1; done"


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("client", CLIENTS, ids=lambda one: one.name)
def test_a_client_is_well_in_health(lab: Lab, client: Client, family: Family) -> None:
    port, name = client.service.port, f"server{DIGIT[family]}"
    told = {"SERVER": name, "PORT": str(port), "URL": f"http://{name}:{port}/"}
    argv = [word.format(**told) for word in client.argv]
    variables = [f"{key}={value}" for key, value in {**IN_A_HOST, **told}.items()]
    limited = ["timeout", str(WITHIN_S), *argv]
    lab.hosts[GUEST].run("env", "-i", *variables, *READING, client.stdin, *limited)


def test_a_client_that_is_refused_does_not_end_with_status_0(lab: Lab) -> None:
    """Else that they are well would say nothing."""
    with pytest.raises(CommandFailed, match="Connection refused"):
        lab.hosts[GUEST].run("env", "SERVER=server4", "PORT=1", "python3",
                             "/opt/clients/python_socket.py")  # fmt: skip
