"""The container's health check: ends with 0 when the portal in this container can serve, else says why and ends with 1.

It needs nothing but the standard library, so that it costs little when it runs every few seconds.
"""

from __future__ import annotations

import os
import sys
from http.client import HTTPConnection, HTTPException


def main() -> int:
    """Ask /readyz on loopback; the sub-path is the portal's own affair, both spellings are answered."""
    port = int(os.environ.get("MEDIANEST_PORT") or 8484)
    connection = HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", "/readyz", headers={"Accept": "application/json"})
        answer = connection.getresponse()
        text = answer.read(2000).decode("utf-8", "replace").strip()
    except (OSError, HTTPException) as error:
        sys.stdout.write(f"nothing answers on port {port}: {error}\n")
        return 1
    finally:
        connection.close()
    sys.stdout.write(f"{answer.status} {text}\n")
    return 0 if answer.status == 200 else 1


if __name__ == "__main__":
    sys.exit(main())
