"""The first thing a host runs: it takes the modules of this package and starts the agent.

They come over the channel as {name: source} and are imported from memory.
"""

import importlib.util
import sys

SOURCES = channel.receive()  # type: ignore[name-defined]  # noqa: F821  # execnet's


class Sent:
    """Finds the modules that were sent."""

    def find_spec(self, name, _path=None, _target=None):  # type: ignore[no-untyped-def]
        """Return the spec of a module that was sent, as the import system asks for it."""
        if name not in SOURCES:
            return None
        package = any(other.startswith(name + ".") for other in SOURCES)
        return importlib.util.spec_from_loader(name, self, is_package=package)  # type: ignore[arg-type]

    def create_module(self, _spec):  # type: ignore[no-untyped-def]
        """Leave it to the import system to make the module."""
        return

    def exec_module(self, module):  # type: ignore[no-untyped-def]
        """Run a module's source."""
        exec(compile(SOURCES[module.__name__], module.__name__, "exec"), module.__dict__)


sys.meta_path.insert(0, Sent())

from lab.inside.agent import serve  # noqa: E402

serve(channel)  # type: ignore[name-defined]  # noqa: F821
