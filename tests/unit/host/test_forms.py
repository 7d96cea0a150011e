"""Forms: one field for each setting, and back from what was typed."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field
from starlette.datastructures import FormData

from medianest_core.host.forms import form_fields, parse_form
from medianest_core.host.settings_store import check_settings
from medianest_core.sdk import HttpUrl, Secret, ServiceSettings


class Colour(StrEnum):
    RED = "red"
    DARK_BLUE = "dark_blue"


class Everything(ServiceSettings):
    url: HttpUrl = Field(description="Where it answers.", examples=["http://nas:8080"])
    key: Secret
    cookies: Secret | None = Field(None, json_schema_extra={"multiline": True})
    name: str = Field("", title="Shown name", max_length=20)
    note: str | None = Field(None, json_schema_extra={"multiline": True, "advanced": True})
    count: int = Field(2, ge=1, le=9)
    ratio: float | None = None
    mode: Literal["fast", "very_slow"] = Field("fast", json_schema_extra={"labels": {"very_slow": "Patient"}})
    colour: Colour = Colour.RED
    places: list[str] = Field(default_factory=list)
    active: bool = True


def test_fields() -> None:
    fields = {
        field.name: field
        for field in form_fields(Everything, {"key": "mn1.k1.xyz"}, {"url": "This is needed."})
    }
    assert [field.kind for field in fields.values()] == [
        "url", "secret", "secret", "text", "textarea", "number", "number", "select", "select", "list", "bool",
    ]  # fmt: skip
    url = fields["url"]
    assert (url.label, url.help, url.example, url.required, url.error) == (
        "Address",
        "Where it answers.",
        "http://nas:8080",
        True,
        "This is needed.",
    )
    assert (fields["key"].value, fields["key"].is_set) == ("", True)
    assert (fields["cookies"].is_set, fields["cookies"].multiline) == (False, True)
    assert fields["name"].label == "Shown name" and fields["note"].advanced
    assert (
        fields["count"].value,
        fields["count"].minimum,
        fields["count"].maximum,
        fields["count"].step,
    ) == (
        "2",
        1,
        9,
        1,
    )
    assert fields["mode"].choices == [("fast", "Fast"), ("very_slow", "Patient")]
    assert fields["colour"].choices == [("red", "Red"), ("dark_blue", "Dark blue")]
    assert fields["active"].value is True


def test_a_typed_secret_is_never_shown_again() -> None:
    typed = {"key": "canary", "cookies": "$env:COOKIES"}
    fields = {field.name: field for field in form_fields(Everything, typed)}
    assert "canary" not in str(fields)
    assert (fields["cookies"].reference, fields["cookies"].value) == ("$env:COOKIES", "")


def test_parsing_a_browser_form() -> None:
    form = FormData(
        [
            ("url", " http://nas:8080 "),
            ("key", ""),
            ("cookies", " # Netscape\nline "),
            ("name", ""),
            ("note", ""),
            ("count", "3"),
            ("ratio", ""),
            ("mode", "very_slow"),
            ("places", "a"),
            ("places", " b \nc"),
            ("places", ""),
            ("active", "false"),
            ("active", "true"),
            ("csrf", "ignored"),
        ]
    )
    assert parse_form(Everything, form) == {
        "url": "http://nas:8080",
        "cookies": "# Netscape\nline",
        "note": None,
        "count": "3",
        "ratio": None,
        "mode": "very_slow",
        "places": ["a", "b", "c"],
        "active": True,
    }


def test_a_ticked_clear_removes_a_secret_and_an_unticked_box_is_off() -> None:
    values = parse_form(Everything, {"cookies": "new", "cookies__clear": "1", "active": "false"})
    assert values == {"cookies": None, "places": [], "active": False}


@given(
    st.builds(
        Everything,
        url=st.just(HttpUrl("http://nas:8080/")),
        key=st.just(Secret("kept secret")),
        cookies=st.none(),
        name=st.from_regex(r"[a-z]{0,20}", fullmatch=True),
        note=st.none(),
        count=st.integers(1, 9),
        ratio=st.none() | st.floats(-1e6, 1e6),
        mode=st.sampled_from(["fast", "very_slow"]),
        colour=st.sampled_from(Colour),
        places=st.lists(st.from_regex(r"[a-z.]{1,10}", fullmatch=True), max_size=3),
        active=st.booleans(),
    )
)
def test_what_a_form_shows_comes_back_the_same(before: Everything) -> None:
    shown = before.model_dump(mode="json")
    form: dict[str, object] = {}
    for field in form_fields(Everything, shown):
        value = field.value
        form[field.name] = ("true" if value else "false") if isinstance(value, bool) else value
    typed = {**parse_form(Everything, form), "key": "kept secret"}
    after = check_settings(Everything, typed)
    assert after.model_dump(exclude={"name"}) == before.model_dump(exclude={"name"})
    assert after.name == before.name
