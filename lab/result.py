"""The result of a run, in the shape of `result.json` (schema 1)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from lab.topology import Family

SCHEMA = 1
# What a control says that has nothing to look at.
NOT_ASKED = "not asked: the fault aims at it too"
VERDICTS = ("pass", "fail", "invalid", "skip")
# Which verdict of several stands for all.
ORDER = ("invalid", "fail", "pass", "skip")


@dataclass
class Proof:
    """One check: what was looked at, what was wanted and what came, as text."""

    kind: str
    what: str
    wanted: str
    got: str
    ok: bool


@dataclass
class Controls:
    """Whether all was well before, after and beside the fault: "ok", or what was not."""

    before: str = ""
    after: str = ""
    bystander: str = ""
    baseline_restored: bool = False

    def troubles(self) -> list[str]:
        """Return what makes a run invalid."""
        parts = {
            "the control before the fault": self.before,
            "the control after the fault": self.after,
            "the bystander": self.bystander,
        }
        found = [
            f"{name} failed: {said}"
            for name, said in parts.items()
            if said not in ("ok", NOT_ASKED)
        ]
        return found if self.baseline_restored else [*found, "the baseline was not restored"]


@dataclass
class CaseResult:
    """What one case showed."""

    name: str = ""
    verdict: str = "invalid"
    reason: str = ""
    claims: dict[str, str] = field(default_factory=dict)
    picture: dict[str, str] = field(default_factory=dict)
    fault: dict[str, Any] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)
    wire: list[dict[str, Any]] = field(default_factory=list)
    counters: dict[str, dict[str, int]] = field(default_factory=dict)
    states: list[dict[str, Any]] = field(default_factory=list)
    program: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, str] = field(default_factory=dict)
    controls: Controls = field(default_factory=Controls)
    proofs: list[Proof] = field(default_factory=list)
    ladder: str = ""


@dataclass
class Result:
    """What one scenario showed in one family."""

    scenario: str
    family: str
    lab: str
    kernel: str = ""
    engine: str = ""
    started: str = ""
    elapsed_ms: float = 0.0
    cases: list[CaseResult] = field(default_factory=list)
    pcaps: dict[str, str] = field(default_factory=dict)
    evidence: str = ""
    host: str = "client"

    @property
    def where(self) -> str:
        """Return family and host, as folders and test cases have them: "ipv4", "ipv6-windows"."""
        return where(self.family, self.host)

    @property
    def title(self) -> str:
        """Return which run it is, for a person: "refused (ipv4)", "refused (ipv4) from windows"."""
        where = f" from {self.host}" if self.host != "client" else ""
        return f"{self.scenario} ({self.family}){where}"

    @property
    def verdict(self) -> str:
        """Return the worst verdict of the cases."""
        return min((case.verdict for case in self.cases), key=ORDER.index, default="invalid")

    @property
    def reason(self) -> str:
        """Return why it is not a pass, case by case; "" for a pass."""
        return "; ".join(
            (f"{case.name}: " if case.name else "") + case.reason
            for case in self.cases
            if case.reason and case.verdict == self.verdict
        )

    def document(self) -> dict[str, Any]:
        """Return the result as `result.json` has it.

        A scenario without cases has its proofs at the top; one with several has
        them under `cases`, by name, and the first case's fault and controls of all
        at the top.
        """
        head = {
            "schema": SCHEMA, "scenario": self.scenario, "family": self.family, "from": self.host,
            "lab": self.lab,
            "verdict": self.verdict, "reason": self.reason, "kernel": self.kernel,
            "engine": self.engine, "started": self.started,
            "elapsed_ms": round(self.elapsed_ms, 3),
        }  # fmt: skip
        cases = [_case_document(case) for case in self.cases]
        if len(cases) == 1 and not self.cases[0].name:
            body = {k: v for k, v in cases[0].items() if k not in ("name", "verdict", "reason")}
        else:
            body = {"cases": cases, "proofs": [p for case in cases for p in case["proofs"]],
                    "calls": [c for case in cases for c in case["calls"]]}  # fmt: skip
        return {**head, **body, "pcaps": self.pcaps, "evidence": self.evidence}


def _case_document(case: CaseResult) -> dict[str, Any]:
    # Few cases ask for states, only `errnolab try` has a program, and Linux has no limits.
    rare = ("states", "program", "limits")
    left_out = ["ladder", *(name for name in rare if not getattr(case, name))]
    return {f.name: _plain(getattr(case, f.name)) for f in fields(case) if f.name not in left_out}


def _plain(value: Any) -> Any:
    if isinstance(value, Controls):
        return asdict(value)
    if isinstance(value, list):
        return [asdict(item) if isinstance(item, Proof) else item for item in value]
    return value


def where(family: str, host: str) -> str:
    """Return what tells runs of a scenario apart: its family, and the host if not the client."""
    return family + (f"-{host}" if host != "client" else "")


def family_of(result: Result) -> Family:
    """Return the address family of a run."""
    return "ipv4" if result.family == "ipv4" else "ipv6"


def overall(results: list[Result]) -> str:
    """Return the worst verdict of several runs."""
    return min((result.verdict for result in results), key=ORDER.index, default="skip")


def exit_status(results: list[Result]) -> int:
    """Return 0 if all passed or were skipped, 1 if a proof did not hold, 2 if a run is invalid."""
    verdicts = {result.verdict for result in results}
    return 2 if "invalid" in verdicts else 1 if "fail" in verdicts else 0
