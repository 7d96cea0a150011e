from __future__ import annotations

from collections import Counter

from medianest_core.cli.sync_rollback import as_facts, lines_of, path_of
from medianest_core.domain.library.past.rollback import Report
from medianest_core.domain.library.past.undo import Undone


def test_a_path_has_one_dot_at_most() -> None:
    assert path_of("summary") == ("summary",)
    assert path_of("captions.en") == ("captions", "en")
    assert path_of("media.a.b") == ("media", "a.b")


def test_a_report_as_text_and_as_json() -> None:
    report = Report(
        7,
        Counter({"restored": 2, "locked": 1}),
        [
            Undone(3, "Heat", ("captions", "en"), {"language": "en"}, None, "restored"),
            Undone(4, "Ran", (), None, None, "withheld"),
            Undone(5, "Long", ("summary",), "x" * 80, "y", "restored"),
        ],
    )
    assert lines_of(report) == [
        "Run 7: 1 locked, 2 restored",
        '  restored  Heat (3) captions.en: {"language": "en"} -> nothing',
        "  withheld  Ran (4) the title",
        f"  restored  Long (5) summary: {'x' * 49}… -> y",
    ]
    facts = as_facts(report)
    assert facts["counts"] == {"restored": 2, "locked": 1} and facts["rows"][0]["path"] == ["captions", "en"]
    assert lines_of(Report()) == ["Would be: nothing to undo"]
