"""Signing in: by the providers that services bring, and by a password kept here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from medianest_core.base.clock import Clock
from medianest_core.base.logging import SECURITY, get_logger
from medianest_core.base.texts import N_
from medianest_core.cache.limits import RateLimiter
from medianest_core.domain.accounts.attempts import Attempts, StoredAttempt
from medianest_core.domain.accounts.errors import Missing, TooManyAttempts
from medianest_core.domain.accounts.identities import NO_ACCESS, SUSPENDED, Identities
from medianest_core.domain.accounts.models import (
    LOCAL,
    Attempt,
    PollResult,
    Progress,
    SessionInfo,
    SignedIn,
    SignInMethod,
    Status,
)
from medianest_core.domain.accounts.passwords import (
    Passwords,
    check_strength,
    hash_password,
    login_of,
)
from medianest_core.domain.accounts.sessions import Sessions
from medianest_core.domain.accounts.users import Users
from medianest_core.host.errors import UnknownInstance
from medianest_core.host.instances import Handle, Instances
from medianest_core.sdk.auth import AuthCapability, AuthFlow, AuthProvider, Identity
from medianest_core.sdk.errors import (
    ChallengeExpired,
    ProviderError,
    SignInDenied,
    UserError,
)
from medianest_core.store.engine import Database
from medianest_core.store.repos import audit, portal_settings

TRIES, TRIES_FROM_ONE_ADDRESS, PER = 10, 100, 900.0
STARTS_FROM_ONE_ADDRESS = 30
LOCAL_FORM = f"{LOCAL}:{AuthFlow.FORM.value}"
WRONG = N_("User name or password is wrong.")
AWAY = N_("This service does not answer right now.")
"""All that strangers are told: the reason itself may name hosts and ports of the home network."""
_EXPIRED = N_("This sign-in has expired. Start again.")
_log = get_logger(SECURITY)
_Handle = Handle[AuthProvider[Any, Any]]


@dataclass(frozen=True, slots=True)
class Browser:
    """What is known of the browser that signs in. cookie: the session it comes with, which ends."""

    user_agent: str = ""
    ip: str = ""
    cookie: str | None = None


class SignIn:
    def __init__(
        self,
        db: Database,
        instances: Instances,
        users: Users,
        identities: Identities,
        passwords: Passwords,
        sessions: Sessions,
        attempts: Attempts,
        limiter: RateLimiter,
        clock: Clock,
    ) -> None:
        self._db = db
        self._instances = instances
        self._users = users
        self._identities = identities
        self._passwords = passwords
        self._sessions = sessions
        self._attempts = attempts
        self._limiter = limiter
        self._clock = clock
        self._asking: set[str] = set()

    async def methods(self) -> list[SignInMethod]:
        """All ways in, those of services first; one that does not work now says why."""
        found = [
            SignInMethod(
                key=f"{handle.instance.id}:{AuthFlow(flow).value}",
                flow=AuthFlow(flow),
                provider=handle.instance.plugin,
                instance_id=handle.instance.id,
                title=_title(handle),
                ready=handle.instance.ready,
                reason="" if handle.instance.ready else AWAY,
            )
            for handle in self._offered()
            for flow in _flows(handle)
        ]
        settings, _ = await portal_settings.load(self._db)
        if settings.local_sign_in:
            found.append(SignInMethod(LOCAL_FORM, AuthFlow.FORM, LOCAL, None, "MediaNest"))
        return found

    async def other_way_in(self) -> bool:
        """Whether people could sign in without a password of ours."""
        return any(one.ready and one.provider != LOCAL for one in await self.methods())

    async def begin(
        self,
        method: str,
        *,
        return_url: str,
        remember: bool = True,
        link_user_id: str | None = None,
        replaces: str | None = None,
        ip: str = "",
    ) -> tuple[Attempt, str]:
        """(what to show, the attempt's cookie) of a method by code, popup or redirect. link_user_id: the person who adds an identity.

        Raises Missing for a method that is not offered, ProviderError where the service cannot be asked, TooManyAttempts.
        """
        if ip:
            # Each attempt asks the service for a code: nobody may have us flood it.
            result = await self._limiter.hit(f"sign-in-start:{ip}", STARTS_FROM_ONE_ADDRESS, PER, strict=True)
            if not result.allowed:
                raise TooManyAttempts("Too many attempts. Wait a while, then try again.", result.reset_at)
        handle, flow = self._method(method)
        if flow is AuthFlow.FORM:
            raise Missing("This way of signing in has a form of its own.")
        challenge = await handle.api.begin(flow, return_url=return_url)
        cookie = await self._attempts.start(
            challenge,
            provider=handle.instance.plugin,
            instance_id=handle.instance.id,
            flow=flow,
            remember=remember,
            link_user_id=link_user_id,
            replaces=replaces,
        )
        stored = await self._attempts.find(cookie, _title(handle))
        if stored is None:
            raise ChallengeExpired(_EXPIRED)
        return stored.attempt, cookie

    async def attempt(self, cookie: str) -> Attempt | None:
        """The attempt of this browser without asking the service; None where there is none."""
        stored = await self._attempts.find(cookie)
        return self._titled(stored).attempt if stored is not None else None

    async def cancel(self, cookie: str) -> None:
        await self._attempts.drop(cookie)

    async def poll(self, cookie: str, browser: Browser) -> PollResult:
        """How the attempt stands. Asks the service no more often than it wants; signs in once it vouches for the person."""
        stored = await self._attempts.find(cookie)
        if stored is None:
            return PollResult(Progress.EXPIRED, _EXPIRED)
        stored = self._titled(stored)
        attempt = stored.attempt
        if attempt.flow is AuthFlow.REDIRECT:
            # Nothing is known before the browser is back.
            return PollResult(Progress.WAITING, attempt=attempt)
        # One question at a time: a second answer for the same person would find the attempt used.
        if attempt.id in self._asking:
            return PollResult(Progress.WAITING, attempt=attempt)
        self._asking.add(attempt.id)
        try:
            if not await self._attempts.may_ask(attempt.id):
                return PollResult(Progress.WAITING, attempt=attempt)
            return await self._ask(stored, browser)
        finally:
            self._asking.discard(attempt.id)

    async def come_back(self, cookie: str, answer: Mapping[str, str], browser: Browser) -> PollResult:
        """The browser is back from a service that it was led to. answer: the parameters that it brought."""
        stored = await self._attempts.find(cookie)
        if stored is None:
            return PollResult(Progress.EXPIRED, _EXPIRED)
        stored = self._titled(stored)
        if stored.attempt.flow is not AuthFlow.REDIRECT or not answer:
            return PollResult(Progress.WAITING, attempt=stored.attempt)
        if stored.attempt.id in self._asking:
            return PollResult(Progress.WAITING, attempt=stored.attempt)
        self._asking.add(stored.attempt.id)
        try:
            return await self._ask(stored, browser, answer)
        finally:
            self._asking.discard(stored.attempt.id)

    async def sign_out_url(self, session: SessionInfo, return_url: str) -> str | None:
        """Where to go so that the person is signed out at the service that let them in, too; None where that is not wanted."""
        row = await self._identities.row(session.identity_id) if session.identity_id else None
        for handle in self._offered():
            if row is None or handle.instance.id != row["instance_id"] or not handle.instance.ready:
                continue
            if not handle.can(AuthCapability.SIGN_OUT):
                continue
            try:
                return await handle.api.sign_out_url(self._identities.token_of(row), return_url=return_url)
            except ProviderError as error:
                _log.info("a service cannot sign people out", reason=str(error))
        return None

    async def _ask(
        self, stored: StoredAttempt, browser: Browser, answer: Mapping[str, str] | None = None
    ) -> PollResult:
        attempt = stored.attempt
        try:
            handle = self._instances.get(AuthProvider, attempt.instance_id)  # type: ignore[type-abstract]  # a key, not made
            identity = await handle.api.complete(stored.state, answer or {})
            if identity is None:
                return PollResult(Progress.WAITING, attempt=attempt)
            return await self._finish(stored, identity, browser)
        except SignInDenied as error:
            async with self._db.begin() as tx:
                await self._attempts.use(tx, attempt.id)
            return PollResult(Progress.REFUSED, error.reason, attempt=attempt)
        except (ChallengeExpired, UnknownInstance) as error:
            async with self._db.begin() as tx:
                await self._attempts.use(tx, attempt.id)
            return PollResult(Progress.EXPIRED, str(error) or _EXPIRED, attempt=attempt)
        except ProviderError as error:
            return PollResult(Progress.FAILED, str(error), attempt=attempt)

    async def _finish(self, stored: StoredAttempt, identity: Identity, browser: Browser) -> PollResult:
        attempt = stored.attempt
        settings, _ = await portal_settings.load(self._db)
        async with self._db.begin() as tx:
            if not await self._attempts.use(tx, attempt.id):
                return PollResult(Progress.EXPIRED, _EXPIRED)
            if stored.link_user_id is not None:
                await self._identities.link(
                    tx, stored.link_user_id, attempt.provider, attempt.instance_id, identity
                )
                return PollResult(Progress.DONE, attempt=attempt)
            proven = await self._identities.prove(
                tx, attempt.provider, attempt.instance_id, identity, approve=settings.auto_approve
            )
            signed_in = await self._session(
                tx, proven.user.id, proven.identity_id, stored.remember, browser, proven.created
            )
        _log.info("signed in", user=signed_in.user.id, provider=attempt.provider, created=proven.created)
        return PollResult(Progress.DONE, signed_in=signed_in, attempt=attempt)

    async def local(
        self, username: str, password: str, browser: Browser, *, remember: bool = False
    ) -> SignedIn:
        """Sign in by password. Raises Missing where that is not offered, UserError, TooManyAttempts, SignInDenied."""
        settings, _ = await portal_settings.load(self._db)
        if not settings.local_sign_in:
            raise Missing("Signing in by password is switched off.")
        by_name = await self._count(username, browser)
        user_id = await self._passwords.verify(username, password)
        if user_id is None:
            _log.info("wrong password", ip=browser.ip)
            raise UserError(WRONG, "password")
        async with self._db.begin() as tx:
            user = await self._users.read(tx, user_id)
            if user.status is Status.SUSPENDED:
                raise SignInDenied(SUSPENDED)
            if await self._identities.cut_off(tx, user):
                raise SignInDenied(NO_ACCESS)
            login = await self._passwords.login(tx, user_id)
            identity_id = await self._identities.local(tx, user_id, login or username)
            signed_in = await self._session(tx, user_id, identity_id, remember, browser, False)
        await self._limiter.clear(by_name, TRIES, PER)
        return signed_in

    async def form(
        self, method: str, values: Mapping[str, str], browser: Browser, *, remember: bool = False
    ) -> SignedIn:
        """Sign in by a form: the one kept here, or a service's own. values: "username" and "password".

        Raises Missing, UserError, TooManyAttempts, SignInDenied, ProviderError.
        """
        username = values.get("username", "")
        if method == LOCAL_FORM:
            return await self.local(username, values.get("password", ""), browser, remember=remember)
        handle, flow = self._method(method)
        if flow is not AuthFlow.FORM:
            raise Missing("This way of signing in has no form.")
        by_name = await self._count(username, browser)
        challenge = await handle.api.begin(flow, return_url="")
        identity = await handle.api.complete(challenge.state, values)
        if identity is None:
            raise UserError(WRONG, "password")
        settings, _ = await portal_settings.load(self._db)
        async with self._db.begin() as tx:
            proven = await self._identities.prove(
                tx, handle.instance.plugin, handle.instance.id, identity, approve=settings.auto_approve
            )
            signed_in = await self._session(
                tx, proven.user.id, proven.identity_id, remember, browser, proven.created
            )
        await self._limiter.clear(by_name, TRIES, PER)
        return signed_in

    async def _count(self, username: str, browser: Browser) -> str:
        """Count a try with a password; returns the key it is counted under. Raises TooManyAttempts."""
        by_name = f"sign-in:{browser.ip}:{login_of(username)[:100]}"
        for key, limit in (
            (by_name, TRIES),
            (f"sign-in:{browser.ip}", TRIES_FROM_ONE_ADDRESS),
        ):
            result = await self._limiter.hit(key, limit, PER, strict=True)
            if not result.allowed:
                _log.warning("too many sign-in attempts", ip=browser.ip)
                raise TooManyAttempts("Too many attempts. Wait a while, then try again.", result.reset_at)
        return by_name

    async def set_password(
        self,
        user_id: str,
        username: str,
        password: str,
        *,
        current: str | None = None,
        keep_session: str | None = None,
    ) -> None:
        """Give the person a password, or another one; their other sessions end.

        current: their present password, needed where they have one. Raises UserError, TooManyAttempts.
        """
        check_strength(password)
        async with self._db.read() as tx:
            login = await self._passwords.login(tx, user_id)
        if login is not None:
            result = await self._limiter.hit(f"password:{user_id}", TRIES, PER, strict=True)
            if not result.allowed:
                raise TooManyAttempts("Too many attempts. Wait a while, then try again.", result.reset_at)
            if await self._passwords.verify(login, current or "") != user_id:
                raise UserError("This is not your present password.", "current")
        if not username.strip():
            raise UserError("Choose a user name to sign in with.", "username")
        hashed = await hash_password(password)
        async with self._db.begin() as tx:
            await self._passwords.put(tx, user_id, username, hashed)
            await self._identities.local(tx, user_id, username.strip())
            await self._sessions.end_all(tx, user_id, "password changed", but=keep_session)
            await audit.record(tx, actor=user_id, action="password.changed", target=user_id)

    async def _session(
        self, tx: Any, user_id: str, identity_id: str, remember: bool, browser: Browser, created: bool
    ) -> SignedIn:
        await self._users.signed_in(tx, user_id)
        made = await self._sessions.create(
            tx,
            user_id,
            identity_id=identity_id,
            remember=remember,
            user_agent=browser.user_agent,
            ip=browser.ip,
            replaces=browser.cookie,
        )
        user = await self._users.read(tx, user_id)
        return SignedIn(made.cookie, made.max_age, made.id, user, created)

    def _offered(self) -> Sequence[_Handle]:
        return self._instances.any(AuthProvider)  # type: ignore[type-abstract]  # a key, not made

    def _method(self, key: str) -> tuple[_Handle, AuthFlow]:
        instance_id, _, flow = key.rpartition(":")
        for handle in self._offered():
            if handle.instance.id == instance_id and flow in {AuthFlow(one).value for one in _flows(handle)}:
                return handle, AuthFlow(flow)
        raise Missing("This way of signing in is not offered.")

    def _titled(self, stored: StoredAttempt) -> StoredAttempt:
        for handle in self._offered():
            if handle.instance.id == stored.attempt.instance_id:
                return replace(stored, attempt=replace(stored.attempt, title=_title(handle)))
        return stored


def _title(handle: _Handle) -> str:
    return str(getattr(handle.api, "title", "")) if handle.instance.ready else handle.instance.title


def _flows(handle: _Handle) -> Sequence[AuthFlow]:
    try:
        return handle.api.flows
    except ProviderError:
        return (AuthFlow.CODE,)
