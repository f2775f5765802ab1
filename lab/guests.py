"""Guests: hosts that a lab has once a case asks for them, each with an image of its own.

A guest's image is made, and its container started, when it is first needed. It then
stays with the lab, which opens it as it opens its other hosts.
"""

from __future__ import annotations

from collections.abc import Iterable

from lab import compose, images
from lab import lab as labs
from lab.errors import ImageError, LabError, NotForThisMachine
from lab.lab import Lab


def invite(lab: Lab, roles: Iterable[str]) -> None:
    """Let a lab that we hold have some guests: image, container, channel, baseline.

    Raises: ImageError, ComposeError, and LabError if one does not come up.
    """
    wanted = [role for role in roles if role not in lab.hosts]
    if not wanted:
        return
    _start(lab, wanted)
    if not _open(lab, wanted):
        return
    _leave(lab, wanted)
    labs.remove(lab.engine, lab.name, wanted)
    _start(lab, wanted)
    changed = _open(lab, wanted)
    if changed:
        _leave(lab, wanted)
        raise LabError(f"a guest is not as it was though it was started anew: {changed[0]}")


def _start(lab: Lab, wanted: Iterable[str]) -> None:
    """Start the containers that are missing, stopped, or of an old image."""
    with labs.allocation_lock() as lock:
        tags = {role: _image(lab, role) for role in wanted}
        there = labs.find(lab.engine, lab.name).containers
        if any(
            there.get(role, {}).get("State") != "running" or there[role]["Image"] != tag
            for role, tag in tags.items()
        ):
            tags = {"host": images.host_tag(), **tags}
            labs.compose_up(lab.engine, compose.ensure(), lab.name, lab.block, tags, lock)


# What could not be made is not tried again by the same command.
_failed: dict[str, ImageError] = {}


def _image(lab: Lab, role: str) -> str:
    if role in _failed:
        raise ImageError(f"{role}: its image could not be made, as was said before")
    try:
        return images.ensure_guest(lab.engine, role)
    except NotForThisMachine:
        raise
    except ImageError as failed:
        _failed[role] = failed
        raise


def _open(lab: Lab, wanted: Iterable[str]) -> list[str]:
    """Open the channels to guests; return the faults in them, or how they are not as they were."""
    found = labs.find(lab.engine, lab.name)
    opened = labs.open_channels(lab.engine, found, wanted)
    lab.hosts.update(opened)
    try:
        lab.containers.update({role: found.containers[role] for role in opened})
        labs.wait_ready(lab.name, opened.values())
        for role, host in opened.items():
            host.do("lock", owner=labs.owner())
            lab.interfaces[role] = host.do("interfaces")
            lab.baseline[role] = host.do("recall", name=f"baseline-{lab.flavour}")
        lab.remember([role for role in opened if not lab.baseline[role]])
        faults = [name for host in opened.values() for name in host.do("faults")]
        return faults or lab.changes(opened)
    except BaseException:
        _leave(lab, opened)
        raise


def _leave(lab: Lab, roles: Iterable[str]) -> None:
    """Close the channels to guests."""
    for role in roles:
        lab.hosts.pop(role).close()
