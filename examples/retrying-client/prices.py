"""Ask a price service over HTTP: give up in time, and try again where that may help."""

from __future__ import annotations

import http.client
import sys
import time
import urllib.error
import urllib.request

ATTEMPTS = 3
PAUSE_S = 0.2  # before the second attempt, and twice as long before each later one
TIMEOUT_S = 1.0  # for one address to answer
DEADLINE_S = 4.0  # for all attempts together


class PriceUnavailable(Exception):
    """No attempt got a price; `reasons` has what each of them met."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(f"no price after {len(reasons)} attempts: {reasons[-1]}")
        self.reasons = reasons


def price(url: str) -> str:
    """Return the price that a URL has. Raises: PriceUnavailable."""
    deadline = time.monotonic() + DEADLINE_S
    reasons: list[str] = []
    pause_s = PAUSE_S
    while True:
        try:
            with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
                return str(answer.read().decode().strip())
        except urllib.error.HTTPError as refused:
            refused.close()
            reasons.append(f"status {refused.code}")
            if refused.code < 500:
                break  # asking again would get the same answer
        except (OSError, http.client.HTTPException) as failed:
            reasons.append(str(getattr(failed, "reason", failed)))
        if len(reasons) == ATTEMPTS or time.monotonic() + pause_s + TIMEOUT_S > deadline:
            break
        time.sleep(pause_s)
        pause_s *= 2
    raise PriceUnavailable(reasons)


def main() -> int:
    """Print the price at the URL that is the first argument; 1 if there is none."""
    try:
        print(price(sys.argv[1]))
    except PriceUnavailable as why:
        print(f"price: {why}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
