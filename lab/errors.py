"""Every error that the lab raises on purpose.

LabError                    the lab could not do it: exit status 2
├── EngineError             no engine, no permission, or one that is too old
├── ComposeError            no Compose v2, or it failed
├── ImageError              an image could not be pulled, bootstrapped or built
│   └── NotForThisMachine   an image cannot be made for this machine's processor
├── SubnetTaken             an address block of the lab is in use on this machine
├── LabBusy                 another run holds the lab
├── LabNotUp                there is no such lab, or a host of it is gone
├── FaultInForce            `errnolab break` left a fault in the lab
├── HostLost                a host's channel closed under a command
├── NotUnderstood           no errno could be made out of what was asked
├── CannotAim               a fault cannot be made to meet a program's own flow
├── CommandFailed           a command came back with a status other than 0
├── NeverHit                a test's fault was in force, and nothing met it
├── NotUndone               a test's fault, or what it did, is still there
├── NotAnswered             a function called in a host gave no answer
├── Unsendable              a function, or its arguments, cannot be sent to a host
└── ScenarioError           a scenario cannot be run as it is written
    └── UnknownScenario     no scenario has that name

The message of each is complete: what was wanted, what came, where, and what to
run next. The command line prints it as it is.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence


class LabError(Exception):
    """The lab could not do what was asked."""


class EngineError(LabError):
    """No container engine can be used."""


class ComposeError(LabError):
    """Compose v2 is missing, or it failed."""


class ImageError(LabError):
    """An image could not be made."""


class NotForThisMachine(ImageError):
    """What an image is made of is not there for the processor of the engine's machine."""


class SubnetTaken(LabError):
    """An address block of the lab is in use on this machine."""


class LabBusy(LabError):
    """Another run holds the lab."""


class LabNotUp(LabError):
    """There is no such lab, or a host of it is not running."""


class FaultInForce(LabError):
    """A fault was left in the lab on purpose."""


class HostLost(LabError):
    """A host's channel closed while it was needed."""


class NotUnderstood(LabError):
    """No errno could be made out of a name, a number or a message."""


class CannotAim(LabError):
    """A fault cannot be made to meet another flow than its scenario's."""


class CommandFailed(LabError):
    """A command came back with a status other than 0."""

    def __init__(
        self, where: str, argv: Sequence[str], status: int, stdout: str = "", stderr: str = ""
    ) -> None:
        """Keep all that is known of the failure; `where` is a host role or "here"."""
        self.where = where
        self.argv = tuple(argv)
        self.status = status
        self.stdout = stdout
        self.stderr = stderr
        said = (stderr.strip() or stdout.strip() or "it printed nothing").splitlines()[-12:]
        super().__init__(
            f"{where}: `{shlex.join(self.argv)}` ended with status {status}\n"
            + "\n".join(f"  {line}" for line in said)
        )


class NeverHit(LabError):
    """A test's fault was in force, and nothing met it: the test has proven nothing."""


class NotUndone(LabError):
    """A test's fault was not undone, or something beside it was changed and left so."""


class NotAnswered(LabError):
    """A function that was called in a host did not return, or not what can be sent back."""


class Unsendable(LabError):
    """A function cannot be sent to a host as it is; all that is in the way is named."""

    def __init__(self, name: str, mistakes: Sequence[str]) -> None:
        """Name every mistake at once."""
        self.mistakes = tuple(mistakes)
        super().__init__(
            f"{name} cannot be sent to a host:\n" + "\n".join(f"  - {m}" for m in self.mistakes)
        )


class ScenarioError(LabError):
    """A scenario cannot be run as it is written; all its mistakes are named."""

    def __init__(self, name: str, mistakes: Sequence[str]) -> None:
        """Name every mistake at once."""
        self.name = name
        self.mistakes = tuple(mistakes)
        count = f"{len(self.mistakes)} mistake{'s' if len(self.mistakes) != 1 else ''}"
        super().__init__(f"{name}: {count}\n" + "\n".join(f"  - {m}" for m in self.mistakes))


class UnknownScenario(ScenarioError):
    """No scenario has that name."""
