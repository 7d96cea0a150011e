"""The jobs of requests: what is sent to backends, asked of them and looked for."""

from __future__ import annotations

from typing import Any

from medianest_core.base.texts import N_
from medianest_core.domain.requests.issues import ISSUE_JOB, IssueArgs, Issues
from medianest_core.domain.requests.polling import (
    LOOK_JOB,
    POLL_JOB,
    REFRESH_JOB,
    LookArgs,
    PollArgs,
    Polling,
    RefreshArgs,
)
from medianest_core.domain.requests.sending import (
    SUBMIT_JOB,
    WITHDRAW_JOB,
    Sending,
    SubmitArgs,
    WithdrawArgs,
)
from medianest_core.domain.requests.watchlists import EVERY as WATCHLISTS_EVERY
from medianest_core.domain.requests.watchlists import WATCHLISTS_JOB, WatchlistArgs, Watchlists
from medianest_core.sdk.jobs import Job, Retry, Schedule
from medianest_core.sdk.permissions import OWNER


def jobs_of(
    sending: Sending, polling: Polling, watchlists: Watchlists, issues: Issues, every: float
) -> list[Job[Any]]:
    """For the job registry. every: seconds between two questions where requests stand."""
    return [
        Job(
            SUBMIT_JOB,
            sending.run,
            SubmitArgs,
            title=N_("Request a title"),
            retry=Retry(attempts=5, delay=2.0),
            unique_by=lambda args: args.request_id,
            policy=OWNER,
        ),
        Job(
            WITHDRAW_JOB,
            sending.withdraw,
            WithdrawArgs,
            title=N_("Withdraw a request"),
            retry=Retry(attempts=5, delay=5.0),
        ),
        Job(
            POLL_JOB,
            polling.poll,
            PollArgs,
            title=N_("Ask where requests stand"),
            limit=1,
            retry=Retry(attempts=1),
            schedule=Schedule(every=every),
            unique_by=lambda args: "all",
        ),
        Job(
            REFRESH_JOB,
            polling.refresh,
            RefreshArgs,
            title=N_("Ask where requests stand"),
            retry=Retry(attempts=4, delay=5.0),
            unique_by=lambda args: "|".join([args.instance_id, *sorted(args.references)]),
        ),
        Job(
            LOOK_JOB,
            polling.look,
            LookArgs,
            title=N_("Look for requested titles in the library"),
            limit=1,
            retry=Retry(attempts=3, delay=5.0),
            unique_by=lambda args: "all",
        ),
        Job(
            WATCHLISTS_JOB,
            watchlists.run,
            WatchlistArgs,
            title=N_("Ask for what is on people's watchlists"),
            limit=1,
            retry=Retry(attempts=1),
            schedule=Schedule(every=WATCHLISTS_EVERY),
            unique_by=lambda args: args.user_id or "all",
        ),
        Job(
            ISSUE_JOB,
            issues.run,
            IssueArgs,
            title=N_("Pass on a report"),
            retry=Retry(attempts=4, delay=10.0),
            policy=OWNER,
        ),
    ]
