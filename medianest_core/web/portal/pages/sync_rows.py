"""Runs of the sync as rows: what each reads, how it stands and what came of it, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from medianest_core.domain.library.operations import LABELS
from medianest_core.domain.library.ordering.ranking import priorities_run
from medianest_core.domain.library.syncing.run_changes import RunChange
from medianest_core.domain.library.syncing.runs import Run
from medianest_core.ledger.states import JobInfo
from medianest_core.web.portal.formats import number
from medianest_core.web.portal.i18n import gettext as _
from medianest_core.web.portal.i18n import ngettext
from medianest_core.web.portal.pages.posters import kind_label
from medianest_core.web.portal.pages.sync_room import BASE
from medianest_core.web.portal.views import Badge, Fact, Progress
from medianest_core.web.portal.views.sync import ChangeRow, RunRow, SourceProgress

_NAMED = 3


def run_state(state: str) -> Badge:
    """A plain word for the state, in the reader's language."""
    return {
        "queued": Badge(text=_("Waits"), tone="neutral", icon="clock"),
        "waiting": Badge(text=_("Waits"), tone="neutral", icon="clock"),
        "running": Badge(text=_("Running"), tone="info", icon="refresh-cw"),
        "listing": Badge(text=_("Running"), tone="info", icon="refresh-cw"),
        "merging": Badge(text=_("Running"), tone="info", icon="list-ordered"),
        "undoing": Badge(text=_("Running"), tone="info", icon="undo-2"),
        "done": Badge(text=_("Done"), tone="success", icon="check"),
        "failed": Badge(text=_("Failed"), tone="error", icon="circle-alert"),
        "cancelled": Badge(text=_("Cancelled"), tone="neutral", icon="ban"),
    }.get(state, Badge(text=state))


def run_row(run: Run, titles: Mapping[str, str], job: JobInfo | None = None) -> RunRow:
    """titles: of instances, by id. job: of a run that is under way."""
    progress = None
    if run.state == "running":
        facts = (job.facts if job is not None else None) or {}
        progress = Progress(
            live=f"sync/{run.id}",
            fraction=job.done / job.total if job is not None and job.total else None,
            done=int(job.done) if job is not None else None,
            total=int(job.total) if job is not None and job.total else None,
            left=facts.get("eta"),
        )
    return RunRow(
        id=run.id,
        path=f"{BASE}/runs/{run.id}",
        scope=run_scope(run, titles),
        state=run_state(run.state),
        text=run_outcome(run),
        at=run.ended_at or run.started_at or run.created_at,
        problems=len(run.problems),
        progress=progress,
        live=run.open,
    )


def run_scope(run: Run, titles: Mapping[str, str]) -> str:
    """What the run reads, in words."""
    args = run.args
    if args is None:
        if priorities_run(run.scope) is not None:
            return _("New order of sources")
        return _("Rollback") if '"rollback"' in run.scope else _("Sync")
    servers = [titles.get(one, one) for one in args.instance_ids or ()]
    parts = [_listed(servers) if servers else _("All servers")]
    if args.single:
        count = len(args.titles or ()) + len(args.keys or ())
        parts.append(ngettext("%(count)s title", "%(count)s titles", count) % {"count": number(count)})
    elif args.recent:
        parts.append(_("what changed lately"))
    if args.libraries is not None:
        count = len(args.libraries)
        parts.append(ngettext("%(count)s library", "%(count)s libraries", count) % {"count": number(count)})
    if args.kinds is not None:
        parts.append(_listed([kind_label(one) for one in args.kinds]))
    if args.ops is not None:
        parts.append(_listed([_(LABELS[one]) for one in args.ops]))
    if args.dry_run:
        parts.append(_("rehearsal"))
    elif args.force:
        parts.append(_("forced"))
    return " · ".join(parts)


def _listed(words: Sequence[str]) -> str:
    more = len(words) - _NAMED
    return ", ".join(words[:_NAMED]) + (f" +{more}" if more > 0 else "")


def run_outcome(run: Run) -> str:
    """What came of it, in a few words; nothing while it runs."""
    counts: Mapping[str, Any] = run.counts
    if run.open or not counts:
        return ""
    found = []
    for name, words in (
        ("added", _("%(count)s added")),
        ("changed", _("%(count)s changed")),
        ("removed", _("%(count)s removed")),
    ):
        if counts.get(name):
            found.append(words % {"count": number(counts[name])})
    text = ", ".join(found) or _("nothing changed")
    if run.problems:
        problems = ngettext("%(count)s problem", "%(count)s problems", len(run.problems))
        text += " · " + problems % {"count": number(len(run.problems))}
    return text


def source_rows(run: Run, titles: Mapping[str, str], job: JobInfo | None) -> tuple[SourceProgress, ...]:
    """Each server of the run: as its job says now, or as its counts say once it has ended."""
    if run.open:
        facts: Mapping[str, Any] = ((job.facts if job is not None else None) or {}).get("instances", {})
        named = run.args.instance_ids if run.args is not None else None
        # Before the job has said anything: rows that what arrives live fills.
        wanted = dict.fromkeys([*(named or ()), *facts])
        return tuple(_live(run, one, facts.get(one, {"state": "waiting"}), titles) for one in wanted)
    kinds, ops = run.counts.get("kinds", {}), run.counts.get("ops", {})
    return tuple(
        SourceProgress(
            id=one,
            title=titles.get(one, one),
            state=run_state(fact.get("state", "")),
            progress=None,
            message=_counted(fact),
            kinds=_kinds(kinds.get(one, {})),
            operations=tuple(
                Fact(label=_(LABELS.get(name, name)), value=number(sum(found.values())))
                for name, found in ops.get(one, {}).items()
            ),
        )
        for one, fact in run.counts.get("instances", {}).items()
    )


def _live(run: Run, instance: str, fact: Mapping[str, Any], titles: Mapping[str, str]) -> SourceProgress:
    done, total = fact.get("done", 0), fact.get("total")
    return SourceProgress(
        id=instance,
        title=titles.get(instance, instance),
        state=run_state(fact.get("state", "")),
        progress=Progress(
            live=f"sync/{run.id}/{instance}",
            fraction=done / total if total else None,
            done=done,
            total=total,
            left=fact.get("eta"),
            text=_(fact.get("message", "")) if fact.get("message") else "",
        ),
        message="",
        kinds=_kinds(fact.get("kinds", {})),
        operations=tuple(
            Fact(label=_(LABELS.get(name, name)), value=number(count.get("changed", 0)))
            for name, count in fact.get("ops", {}).items()
        ),
    )


def _kinds(counts: Mapping[str, int]) -> tuple[Fact, ...]:
    return tuple(Fact(label=kind_label(kind), value=number(count)) for kind, count in counts.items())


def _counted(fact: Mapping[str, Any]) -> str:
    return _("%(done)s looked at, %(changed)s read anew") % {
        "done": number(fact.get("done", 0)),
        "changed": number(fact.get("changed", 0)),
    }


def change_row(change: RunChange, titles: Mapping[str, str]) -> ChangeRow:
    """titles: of instances, by id."""
    rules = {
        "only": _("only source"),
        "priority": _("rank"),
        "lock": _("locked"),
        "held": _("held"),
        "cleared": _("nobody has it"),
        "moved": _("other source"),
        "removed": _("removed"),
        "rollback": _("rolled back"),
    }
    return ChangeRow(
        title=change.title or _("A title that is gone"),
        title_path=f"/title/{change.title_id}" if change.title else None,
        path=".".join(change.path) or _("the title itself"),
        before=_readable(change.before),
        after=_readable(change.after),
        source=titles.get(change.instance_id or "", change.instance_id or ""),
        rule=Badge(
            text=rules.get(change.rule, change.rule),
            tone="warning" if change.rule == "removed" else "neutral",
        ),
    )


def _readable(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return orjson.dumps(value).decode()
