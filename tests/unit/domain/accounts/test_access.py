"""The one decision: laws over all policies and people."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from medianest_core.domain.accounts.access import PENDING_ROLE, Verdict, decide
from medianest_core.sdk.permissions import Access, Policy
from medianest_core.sdk.routes import Viewer

PERMISSIONS = ["a.one", "b.two"]
policies = st.builds(
    Policy,
    access=st.sampled_from(Access),
    permission=st.none() | st.sampled_from(PERMISSIONS),
    owner=st.booleans(),
)
viewers = st.builds(
    Viewer,
    id=st.sampled_from(["me", "you"]),
    username=st.just("x"),
    role=st.sampled_from(["user", "admin", PENDING_ROLE]),
    permissions=st.frozensets(st.sampled_from(PERMISSIONS)),
)
owners = st.none() | st.sampled_from(["me", "you"])


@given(policies, owners)
def test_nobody_comes_in_but_where_it_is_public(policy: Policy, owner: str | None) -> None:
    verdict = decide(policy, None, owner)
    assert verdict is (Verdict.ALLOW if policy.access is Access.PUBLIC else Verdict.SIGN_IN)


@given(policies, viewers, owners)
def test_the_pending_see_only_what_is_for_them(policy: Policy, viewer: Viewer, owner: str | None) -> None:
    if viewer.role == PENDING_ROLE and decide(policy, viewer, owner) is Verdict.ALLOW:
        assert policy.access in (Access.PUBLIC, Access.PENDING)


@given(policies, viewers, owners)
def test_only_admins_pass_an_admin_policy(policy: Policy, viewer: Viewer, owner: str | None) -> None:
    if policy.access is Access.ADMIN:
        assert (decide(policy, viewer, owner) is Verdict.ALLOW) == (viewer.role == "admin")


@given(policies, viewers, owners)
def test_things_of_others_do_not_exist(policy: Policy, viewer: Viewer, owner: str | None) -> None:
    verdict = decide(policy, viewer, owner)
    if policy.access is Access.USER and policy.owner and owner not in (None, viewer.id):
        assert verdict is not Verdict.ALLOW or viewer.role == "admin"
    if verdict is Verdict.HIDDEN:
        assert policy.owner and owner != viewer.id


@given(policies, viewers, owners)
def test_a_permission_is_needed_where_it_is_named(policy: Policy, viewer: Viewer, owner: str | None) -> None:
    if viewer.role == "user" and policy.access is Access.USER and policy.permission is not None:
        allowed = decide(policy, viewer, owner) in (Verdict.ALLOW, Verdict.HIDDEN)
        assert allowed == (policy.permission in viewer.permissions)


@given(viewers, owners)
def test_a_plain_user_policy_lets_every_active_account_in(viewer: Viewer, owner: str | None) -> None:
    expected = Verdict.WAITING if viewer.role == PENDING_ROLE else Verdict.ALLOW
    assert decide(Policy(), viewer, owner) is expected
