"""The C programs of the Windows host: what they say of codes is what the lab says."""

from __future__ import annotations

import re

from lab import images, winsock

SOURCE = images.IMAGES / "windows" / "src"


def test_the_client_gives_each_code_the_number_that_the_lab_gives_it() -> None:
    text = (SOURCE / "wsa.c").read_text()
    said = {name: int(number) for number, name in re.findall(r'\{(\d+), "(\w+)"', text)}
    assert len(said) > 40
    assert said == {name: winsock.number_of(name) for name in said}


def test_every_source_can_be_taken_by_microsofts_compiler_too() -> None:
    """No header of POSIX, and nothing that only GNU C has."""
    for path in sorted(SOURCE.glob("*.[ch]")):
        text = path.read_text()
        headers = re.findall(r"#include <([^>]+)>", text)
        assert not {"unistd.h", "sys/socket.h", "sys/time.h"} & set(headers), path.name
        assert not re.search(r"__attribute__|__builtin_|typeof|\(\{", text), path.name
