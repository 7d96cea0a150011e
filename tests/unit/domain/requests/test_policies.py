"""Which rule governs a wish."""

from __future__ import annotations

from medianest_core.domain.requests.entries import Policy
from medianest_core.domain.requests.policies import DEFAULTS, governing


def found(*policies: Policy, role: str = "user", kind: str = "movie", variant: str = "") -> Policy | None:
    root = "show" if kind in ("season", "episode") else kind
    return governing(
        [*policies, *DEFAULTS], user_id="ann", role=role, kind=kind, root_kind=root, variant=variant
    )


def rule(name: str, subject: str = "role", subject_id: str = "user", **values: object) -> Policy:
    return Policy(name, subject, subject_id, **values)  # type: ignore[arg-type]  # names and values are the test's own


def test_what_is_built_in() -> None:
    user, admin = found(), found(role="admin", variant="4k")
    assert user is not None and user.allowed and not user.auto_approve
    assert admin is not None and admin.auto_approve
    assert found(variant="4k") is None, "what no rule allows is refused"
    assert found(role="guest") is None


def test_the_more_exact_rule_counts() -> None:
    everything = rule("everything", variant="*")
    shows, seasons = rule("shows", kind="show"), rule("seasons", kind="season")
    hers = rule("hers", "user", "ann", variant="*", allowed=False)
    his = rule("his", "user", "bob")
    rules = (everything, shows, seasons, his)
    assert found(*rules) is everything
    assert found(*rules, kind="show") is shows
    assert found(*rules, kind="season") is seasons
    assert found(*rules, kind="episode") is shows, "by the kind of its show"
    assert found(*rules, kind="show", variant="4k") is everything
    assert found(*rules, hers, kind="season") is hers, "a person's own stands before those of the role"
