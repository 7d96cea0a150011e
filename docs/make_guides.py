"""Fills the guides for authors, docs/plugin-authors/guides, with what must not be written twice: the code that `medianest plugins new`
makes, and what the contract of a kind looks at. The words around are written by hand and stay as they are.

`make reference` runs it. `tests/architecture/test_guides.py` fails when what is committed is not what this would write.

    <!-- code: media medianest_sample/media.py -->     a file of a new plugin called `sample`, of that kind
    <!-- clauses: MediaContract -->                    what the contract looks at, for this kind alone
    <!-- end -->                                       each ends with
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "plugin-authors" / "guides"
PART = re.compile(r"(<!-- (?P<what>code|clauses): (?P<about>.+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def code(about: str) -> str:
    """A file of a new plugin."""
    from medianest_core.cli.author.scaffold import new_plugin

    kind, path = about.split()
    text = new_plugin("sample", kind, "Sample")[path]
    if path.endswith(".py"):
        # As `make check` wants code in documents: where a line breaks depends on the plugin's name.
        ruff = [str(Path(sys.executable).with_name("ruff")), "format", "-q", "--stdin-filename", path, "-"]
        text = subprocess.run(ruff, input=text, capture_output=True, text=True, check=True).stdout
    return f"```{'jinja' if path.endswith('.html') else 'python'}\n{text.strip()}\n```\n"


def clauses(suite: str) -> str:
    """What a contract looks at beyond what all do; abilities in the order of the suite."""
    from medianest_core.testing import contracts
    from medianest_core.testing.contracts import contract
    from medianest_core.testing.contracts.common import CommonContract

    cls: Any = getattr(contracts, suite)
    common, found = contract.clauses(CommonContract), {}
    for name, function in contract.clauses(cls).items():
        if name not in common:
            needs = ", ".join(sorted(one.value for one in function.__contract_terms__[0]))  # type: ignore[attr-defined]  # set by the decorator
            found.setdefault(needs, []).append(name.removeprefix("test_").replace("_", " "))
    lines = [
        f"- {'always' if not needs else f'`{needs}`'}: {'; '.join(names)}" for needs, names in found.items()
    ]
    return "\n".join(lines) + "\n"


PARTS: dict[str, Callable[[str], str]] = {"code": code, "clauses": clauses}


def filled(text: str) -> str:
    """A guide with its parts as they are now."""
    return PART.sub(lambda match: f"{match[1]}{PARTS[match['what']](match['about'])}{match[4]}", text)


def main() -> None:
    """Write all of them."""
    for path in sorted(FOLDER.glob("*.md")):
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
