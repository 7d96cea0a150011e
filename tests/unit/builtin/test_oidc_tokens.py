"""Which ID tokens are believed: only those that our provider signed, for us, in answer to our question, and that are in force."""

from __future__ import annotations

import hashlib
import hmac
import time
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from joserfc.jwk import RSAKey

from medianest_core.builtin.oidc.id_token import claims_of
from medianest_core.builtin.oidc.person import groups_of, person_of, subject_of
from medianest_core.builtin.oidc.settings import OidcSettings
from medianest_core.sdk import SignInDenied
from tests.fakes.identity import signed

ISSUER, CLIENT, NONCE, NOW = "https://id.example", "medianest", "a-nonce", 1_800_000_000.0
OURS = RSAKey.generate_key(2048, {"kid": "one"})
THEIRS = RSAKey.generate_key(2048, {"kid": "one"})
KEYS = {"keys": [{"kty": "???"}, OURS.as_dict(private=False)]}
ACCESS = "an-access-token"
HALF = urlsafe_b64encode(hashlib.sha256(ACCESS.encode()).digest()[:16]).rstrip(b"=").decode()


def claims(**changed: Any) -> dict[str, Any]:
    made = {"iss": ISSUER, "aud": CLIENT, "sub": "7", "nonce": NONCE, "iat": int(NOW), "exp": int(NOW) + 300}
    return {name: value for name, value in {**made, **changed}.items() if value is not None}


def read(token: object, keys: Any = None) -> Any:
    keys = {"keys": [OURS.as_dict(private=False)]} if keys is None else keys
    return claims_of(token, keys, issuer=ISSUER, client_id=CLIENT, nonce=NONCE, access_token=ACCESS, now=NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"aud": [CLIENT]},
        {"aud": [CLIENT, "other"], "azp": CLIENT},
        {"at_hash": HALF},
        {"iat": int(NOW) + 30},
    ],
)
def test_an_honest_token_is_believed(changed: dict[str, Any]) -> None:
    assert read(signed(OURS, claims(**changed)))["sub"] == "7"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": ["another-client"]},
        {"aud": None},
        {"aud": [CLIENT, "other"]},
        {"aud": [CLIENT, "other"], "azp": "other"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": int(NOW) - 120},
        {"exp": None},
        {"exp": "soon"},
        {"iat": int(NOW) + 3600},
        {"nbf": int(NOW) + 3600},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"at_hash": "AAAA"},
    ],
    ids=str,
)
def test_a_token_that_is_not_our_answer_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(SignInDenied):
        read(signed(OURS, claims(**changed)))


def test_a_signature_that_is_not_the_providers_is_refused() -> None:
    # What everybody knows taken for a secret that both sides share.
    said = signed(None, claims(), alg="HS256").rstrip(".")
    mac = hmac.digest(OURS.as_pem(private=False), said.encode(), "sha256")
    by_hand = f"{said}.{urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    for token in (
        signed(THEIRS, claims()),
        signed(None, claims(), alg="none"),
        signed(None, claims(), alg="None"),
        by_hand,
        signed(OURS, claims())[:-8] + "AAAAAAAA",
        "",
        "a.b.c",
        None,
        7,
    ):
        with pytest.raises(SignInDenied):
            read(token)


@pytest.mark.parametrize("keys", [{"keys": []}, {"keys": "none"}, {}, {"keys": [{"kty": "RSA"}]}])
def test_without_the_providers_key_nobody_is_believed(keys: Any) -> None:
    with pytest.raises(SignInDenied):
        read(signed(OURS, claims()), keys)


def test_a_key_that_nobody_can_read_stands_in_nobodys_way() -> None:
    assert read(signed(OURS, claims()), KEYS)["sub"] == "7"


def test_a_strange_clock_is_forgiven_a_minute() -> None:
    assert read(signed(OURS, claims(exp=int(NOW) - 30)))["sub"] == "7"
    assert time.time() != NOW


def settings(**changed: Any) -> OidcSettings:
    return OidcSettings.model_validate({"url": ISSUER, "client_id": CLIENT, **changed})


@pytest.mark.parametrize(
    ("said", "claim", "groups"),
    [
        ({"groups": ["a", "b"]}, "groups", ("a", "b")),
        ({"groups": "a"}, "groups", ("a",)),
        ({"groups": ["a", 7, None, ""]}, "groups", ("a",)),
        ({"groups": {"a": 1}}, "groups", ()),
        ({}, "groups", ()),
        ({"realm_access": {"roles": ["r"]}}, "realm_access.roles", ("r",)),
        ({"realm_access": "r"}, "realm_access.roles", ()),
        ({"https://x.example/groups": ["g"]}, "https://x.example/groups", ("g",)),
    ],
)
def test_groups_are_read_where_they_stand(said: dict[str, Any], claim: str, groups: tuple[str, ...]) -> None:
    assert groups_of(said, claim) == groups


def test_groups_decide_who_comes_in_and_who_is_an_admin() -> None:
    config = settings(allowed_groups=["family"], admin_groups=["keepers"])

    def admitted(*groups: str) -> bool | None:
        return person_of(config, ISSUER, {"sub": "7", "groups": list(groups)}, None).admin

    assert (admitted("family"), admitted("keepers"), admitted("family", "keepers")) == (False, True, True)
    with pytest.raises(SignInDenied, match="none of the groups"):
        admitted("guests")
    assert person_of(settings(), ISSUER, {"sub": "7"}, None).admin is None, "the portal decides"


def test_an_address_that_is_not_verified_is_not_taken_over() -> None:
    said = {"sub": "7", "email": "ann@example.org"}
    assert person_of(settings(), ISSUER, {**said, "email_verified": False}, None).email is None
    assert person_of(settings(), ISSUER, said, None).username == "ann@example.org"


def test_the_same_number_at_two_providers_is_two_people() -> None:
    assert subject_of("https://a.example", "7") != subject_of("https://b.example", "7")
    assert subject_of("https://a.example/", "7") == subject_of("https://a.example", "7")
    assert len(subject_of("https://a.example", "7" * 400)) <= 255
