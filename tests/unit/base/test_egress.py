"""Which addresses are which, and who may go where."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medianest_core.base.egress import EgressPolicy, Zone, literal, split_host, zone_of
from medianest_core.sdk.errors import EgressDenied, NotReady
from medianest_core.sdk.settings import HttpUrl, Secret, ServiceSettings

ZONES = {
    "8.8.8.8": Zone.PUBLIC,
    "2606:4700:4700::1111": Zone.PUBLIC,
    "127.0.0.1": Zone.LOOPBACK,
    "127.255.255.254": Zone.LOOPBACK,
    "::1": Zone.LOOPBACK,
    "::ffff:127.0.0.1": Zone.LOOPBACK,
    "::127.0.0.1": Zone.LOOPBACK,
    "64:ff9b::7f00:1": Zone.LOOPBACK,
    "64:ff9b:1::7f00:1": Zone.LOOPBACK,
    "::ffff:0:127.0.0.1": Zone.LOOPBACK,
    "2002:7f00:1::": Zone.LOOPBACK,
    "10.1.2.3": Zone.PRIVATE,
    "172.31.0.1": Zone.PRIVATE,
    "192.168.1.1": Zone.PRIVATE,
    "100.64.0.1": Zone.PRIVATE,
    "fd12:3456::1": Zone.PRIVATE,
    "fec0::1": Zone.PRIVATE,
    "::ffff:192.168.1.1": Zone.PRIVATE,
    "64:ff9b::a00:1": Zone.PRIVATE,
    "169.254.1.1": Zone.LINK_LOCAL,
    "fe80::1": Zone.LINK_LOCAL,
    "169.254.169.254": Zone.METADATA,
    "::ffff:169.254.169.254": Zone.METADATA,
    "64:ff9b::a9fe:a9fe": Zone.METADATA,
    "100.100.100.200": Zone.METADATA,
    "168.63.129.16": Zone.METADATA,
    "fd00:ec2::254": Zone.METADATA,
    "0.0.0.0": Zone.UNUSABLE,
    "0.1.2.3": Zone.UNUSABLE,
    "::": Zone.UNUSABLE,
    "::ffff:0.0.0.0": Zone.UNUSABLE,
    "255.255.255.255": Zone.UNUSABLE,
    "224.0.0.1": Zone.UNUSABLE,
    "240.0.0.1": Zone.UNUSABLE,
    "ff02::1": Zone.UNUSABLE,
}


@pytest.mark.parametrize(("text", "zone"), ZONES.items())
def test_zones(text: str, zone: Zone) -> None:
    assert zone_of(ipaddress.ip_address(text)) is zone


@given(st.ip_addresses(v=4))
def test_an_embedded_address_is_judged_as_itself(inner: ipaddress.IPv4Address) -> None:
    for carrier in (f"::ffff:{inner}", f"64:ff9b::{inner}"):
        assert zone_of(ipaddress.ip_address(carrier)) is zone_of(inner)


@given(st.ip_addresses(v=4))
def test_every_spelling_of_an_address_is_understood(address: ipaddress.IPv4Address) -> None:
    a, b, c, d = address.packed
    number = int(address)
    for spelling in (
        str(address),
        str(number),
        hex(number),
        f"{a}.{number & 0xFFFFFF}",
        f"{a}.{b}.{number & 0xFFFF}",
        f"0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}",
        f"0{a:o}.0{b:o}.0{c:o}.0{d:o}",
    ):
        assert literal(spelling) == address, spelling


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("plex.lan", ("plex.lan", None)),
        ("plex.lan:32400", ("plex.lan", 32400)),
        ("[::1]:8080", ("::1", 8080)),
        ("[::1]", ("::1", None)),
        ("::1", ("::1", None)),
        ("*.example.com:443", ("*.example.com", 443)),
    ],
)
def test_split_host(entry: str, expected: tuple[str, int | None]) -> None:
    assert split_host(entry) == expected


def resolving(**names: Sequence[str]) -> object:
    async def resolve(host: str, port: int) -> Sequence[str]:
        found = names.get(host.replace(".", "_"))
        if found is None:
            raise OSError("unknown")
        return found

    return resolve


def policy(hosts: Sequence[str], private: Sequence[str] = (), **names: Sequence[str]) -> EgressPolicy:
    return EgressPolicy(hosts, private_hosts=private, resolver=resolving(**names))  # type: ignore[arg-type]


async def test_only_listed_hosts_and_ports() -> None:
    rules = policy(
        ["api.example.com:443", "*.cdn.example.com:443", "plain.example.com"], cdn_example_com=["8.8.8.8"]
    )
    for host, port in [
        ("api.example.com", 80),
        ("other.example.com", 443),
        ("evilcdn.example.com", 443),
        ("api.example.com.evil.net", 443),
        ("plain.example.com", 8080),
    ]:
        with pytest.raises(EgressDenied):
            await rules.resolve_checked(host, port)
    assert rules.check_listed("API.example.com.", 443) == "api.example.com"
    assert rules.check_listed("a.b.cdn.example.com", 443) == "a.b.cdn.example.com"
    assert rules.check_listed("plain.example.com", 443) == "plain.example.com"


@pytest.mark.parametrize("host", ["", "a b", "a/b", "a\r\nb", "user@host", "a#b", "a\\b", "a?b", "a\0b"])
async def test_names_that_are_no_names(host: str) -> None:
    with pytest.raises(EgressDenied):
        policy(["*"]).check_listed(host, 80)


@pytest.mark.parametrize("address", [text for text, zone in ZONES.items() if zone is not Zone.PUBLIC])
async def test_a_name_of_the_internet_may_not_lead_home(address: str) -> None:
    rules = policy(["api.example.com:443"], api_example_com=[address])
    with pytest.raises(EgressDenied, match="not contacted"):
        await rules.resolve_checked("api.example.com", 443)


async def test_bad_addresses_among_good_ones_are_left_out() -> None:
    rules = policy(["api.example.com:443"], api_example_com=["127.0.0.1", "8.8.8.8", "::1"])
    assert (await rules.resolve_checked("api.example.com", 443)).addresses == (("8.8.8.8", 443),)


async def test_what_an_admin_typed_may_stand_at_home() -> None:
    hosts = ["nas.lan:32400", "localhost:8080", "192.168.1.5:80"]
    rules = policy(hosts, hosts, nas_lan=["192.168.1.9"], localhost=["::1", "127.0.0.1"])
    assert (await rules.resolve_checked("nas.lan", 32400)).addresses == (("192.168.1.9", 32400),)
    assert len((await rules.resolve_checked("localhost", 8080)).addresses) == 2
    assert (await rules.resolve_checked("192.168.1.5", 80)).addresses == (("192.168.1.5", 80),)
    for host, port in [("localhost", 8081), ("127.0.0.1", 8080), ("nas.lan", 80), ("192.168.1.5", 81)]:
        with pytest.raises(EgressDenied):
            await rules.resolve_checked(host, port)


async def test_even_a_typed_name_does_not_lead_to_metadata() -> None:
    rules = policy(["nas.lan:80"], ["nas.lan:80"], nas_lan=["169.254.169.254"])
    with pytest.raises(EgressDenied):
        await rules.resolve_checked("nas.lan", 80)


async def test_a_pattern_never_opens_the_home_network() -> None:
    rules = EgressPolicy(["*.lan:80"], allow_private=True, resolver=resolving(nas_lan=["192.168.1.9"]))  # type: ignore[arg-type]
    with pytest.raises(EgressDenied):
        await rules.resolve_checked("nas.lan", 80)


async def test_unknown_names_are_not_denied_but_not_ready() -> None:
    with pytest.raises(NotReady):
        await policy(["nowhere.example.com:443"]).resolve_checked("nowhere.example.com", 443)


class Settings(ServiceSettings):
    url: HttpUrl
    token: Secret

    def hosts(self) -> Sequence[str]:
        return [*super().hosts(), "plex.tv:443"]


async def test_the_policy_of_an_instance_knows_who_typed_what() -> None:
    settings = Settings.model_validate({"url": "http://[::1]:32400", "token": "secret"})
    rules = EgressPolicy.for_settings(settings, resolver=resolving(plex_tv=["10.0.0.1"]))  # type: ignore[arg-type]
    assert (await rules.resolve_checked("::1", 32400)).addresses == (("::1", 32400),)
    with pytest.raises(EgressDenied):
        await rules.resolve_checked("plex.tv", 443)
