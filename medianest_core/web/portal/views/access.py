"""View-models of sign-in, the set-up wizard and the account page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .common import Action, Art, Badge, Choice
from .forms import Form


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInMethod:
    """A way in. `code` shows a code to type elsewhere, `popup` opens the provider's page, `form` is a local form.

    `path` starts it by POST; `form` is filled for kind `form`.
    """

    key: str
    label: str
    kind: Literal["code", "popup", "form", "redirect"]
    path: str
    icon: str = "log-in"
    help: str = ""
    form: Form | None = None
    primary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInView:
    """`core/sign_in.html`."""

    methods: tuple[SignInMethod, ...]
    notice: str = ""
    error: str = ""
    next_path: str = "/"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeView:
    """`core/sign_in_code.html` and its fragment: a code (kind `code`) or a popup (kind `popup`) being waited for.

    `poll_path` is fetched every `poll_seconds` by `data-poll`; it answers 200 with the same fragment, or `HX-Redirect`.
    `link` is where the code is typed (another site), `qr` a portal path of an SVG for it.
    """

    kind: Literal["code", "popup"]
    provider: str
    link: str
    link_label: str
    poll_path: str
    cancel_path: str
    restart_path: str
    code: str = ""
    qr: str | None = None
    expires_at: float | None = None
    poll_seconds: float = 2.0
    state: Literal["waiting", "expired", "refused", "failed"] = "waiting"
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeavingView:
    """`core/leaving.html`: the browser goes on to another site by itself; `label` is on the link for where it does not."""

    title: str
    text: str
    link: str
    label: str
    back_path: str
    back_label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingView:
    """`core/pending.html`: signed in at the provider, not approved here yet (or suspended)."""

    name: str
    title: str
    text: str
    avatar: Art | None = None
    asked_at: float | None = None
    poll_path: str | None = None
    sign_out_path: str = "/sign-out"


@dataclass(frozen=True, slots=True, kw_only=True)
class WizardStep:
    key: str
    label: str
    path: str
    state: Literal["done", "current", "ahead", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceOption:
    """A service type to choose from in the wizard and under admin → services."""

    key: str
    title: str
    path: str
    text: str = ""
    icon: str = "plug"
    plugin: str = ""
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WizardView:
    """`core/setup.html`, all steps: a step has a form, or service options, or (done) links onward."""

    steps: tuple[WizardStep, ...]
    title: str
    text: str
    form: Form | None = None
    options: tuple[ServiceOption, ...] = ()
    skip_path: str | None = None
    back_path: str | None = None
    next: tuple[Action, ...] = ()
    checks: tuple[tuple[str, bool, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    provider: str
    name: str
    linked_at: float
    icon: str = "key-round"
    remove: Action | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A session. `place` is the address it was last seen from."""

    label: str
    last_seen_at: float
    started_at: float
    place: str = ""
    current: bool = False
    icon: str = "monitor"
    end: Action | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """ended: set where it works no more."""

    label: str
    prefix: str
    created_at: float
    last_used_at: float | None = None
    expires_at: float | None = None
    ended: Badge | None = None
    scopes: tuple[str, ...] = ()
    remove: Action | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """`core/account.html`. `new_key` is shown once, right after it was made."""

    name: str
    email: str
    role: Badge
    member_since_at: float
    preferences: Form
    themes: tuple[Choice, ...]
    identities: tuple[Identity, ...] = ()
    add_identity: tuple[Action, ...] = ()
    password: Form | None = None
    devices: tuple[Device, ...] = ()
    end_others: Action | None = None
    keys: tuple[ApiKey, ...] = ()
    key_form: Form | None = None
    new_key: str = ""
    avatar: Art | None = None
