"""The contract of a FieldOwner."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, ClassVar

from medianest_core.sdk.errors import NotReady
from medianest_core.sdk.fields import FieldCapability, FieldOwner, FieldReport, TitleKey
from medianest_core.sdk.service import Provider
from medianest_core.testing.contracts.clients import NobodyThere
from medianest_core.testing.contracts.common import CommonContract
from medianest_core.testing.contracts.contract import clause
from medianest_core.testing.shapes import strange

_WEEK = 604_800.0


class FieldOwnerContract(CommonContract[FieldOwner[Any, Any]]):
    """A suite says which titles the service knows in `known()`."""

    kind: ClassVar[type[Provider[Any, Any]]] = FieldOwner

    def known(self) -> Sequence[TitleKey]:
        """Two titles or more that the service knows something of."""
        raise NotImplementedError

    def unknown(self) -> TitleKey:
        """A title that it has never heard of; by default one of the same kind with ids that nobody has."""
        one = self.known()[0]
        return TitleKey("nobody", one.kind, dict.fromkeys(one.ids, "999999999"), "Qzxv Jkwq Vvzzx", 1901)

    async def change(self) -> None:
        """Let what the service knows of some title change now, where the stand-in does not tell of changes by itself."""

    async def read(self, provider: FieldOwner[Any, Any]) -> FieldReport:
        report = await provider.report(self.known())
        if not report.complete:
            # An owner may keep what it learnt before the service went away, and say that there is more.
            raise NotReady("It could not look at all of them.")
        return report

    async def _report(self) -> FieldReport:
        return await self.subject.report(self.known())

    @clause()
    async def test_it_names_its_fields_by_kind(self) -> None:
        fields = self.subject.fields()
        assert fields and all(isinstance(kind, str) and kind for kind in fields)
        for names in fields.values():
            assert names and not isinstance(names, str), "several names, not one text"
            assert all(isinstance(name, str) and name for name in names)
            assert len(names) == len(set(names))

    @clause()
    async def test_it_names_its_fields_without_asking(self) -> None:
        http = NobodyThere()
        async with self.another(http) as owner:
            assert {kind: set(names) for kind, names in owner.fields().items()} == {
                kind: set(names) for kind, names in self.subject.fields().items()
            }
        assert http.asked == []

    @clause()
    async def test_it_knows_something(self) -> None:
        report = await self._report()
        assert isinstance(report, FieldReport)
        assert any(report.values.values()), "it says nothing of titles that it should know"

    @clause()
    async def test_it_looks_only_at_what_is_asked(self) -> None:
        report = await self._report()
        assert isinstance(report.probed, frozenset)
        assert report.probed <= {one.id for one in self.known()}

    @clause()
    async def test_it_says_nothing_of_what_it_did_not_look_at(self) -> None:
        report = await self._report()
        assert report.values.keys() <= report.probed

    @clause()
    async def test_complete_means_all_were_looked_at(self) -> None:
        for keys in (list(self.known()), [*self.known(), self.unknown()], []):
            report = await self.subject.report(keys)
            assert report.complete == (report.probed == {one.id for one in keys})

    @clause()
    async def test_it_says_only_what_it_declares(self) -> None:
        kinds, declared = {one.id: one.kind for one in self.known()}, self.subject.fields()
        for title, values in (await self._report()).values.items():
            more = values.keys() - set(declared.get(kinds[title], ()))
            assert not more, f"it does not declare {', '.join(sorted(more))}"

    @clause()
    async def test_values_have_their_shapes(self) -> None:
        for title, values in (await self._report()).values.items():
            found = strange(values)
            assert not found, f"{title}: {'; '.join(found)}"

    @clause()
    async def test_asked_for_nothing_it_says_nothing(self) -> None:
        report = await self.subject.report([])
        assert (dict(report.values), report.probed) == ({}, frozenset())

    @clause()
    async def test_of_an_unknown_title_it_says_nothing(self) -> None:
        one = self.unknown()
        report = await self.subject.report([one])
        assert not report.values.get(one.id), report.values[one.id]

    @clause()
    async def test_titles_are_not_mixed_up(self) -> None:
        together = await self._report()
        for one in self.known():
            alone = await self.subject.report([one])
            assert alone.values.get(one.id) == together.values.get(one.id)

    @clause()
    async def test_the_order_of_the_question_does_not_matter(self) -> None:
        turned = await self.subject.report(list(reversed(self.known())))
        assert turned.values == (await self._report()).values

    @clause(FieldCapability.CHANGES)
    async def test_changes_are_external_ids(self) -> None:
        await self.change()
        found = [one async for one in self.subject.changes(time.time() - _WEEK)]
        assert found, "nothing of the stand-in has changed within a week"
        for ids in found:
            assert ids and all(isinstance(part, str) and part for pair in ids.items() for part in pair), ids

    @clause(FieldCapability.CHANGES)
    async def test_nothing_has_changed_since_tomorrow(self) -> None:
        assert [one async for one in self.subject.changes(time.time() + _WEEK)] == []

    @clause(FieldCapability.WRITE_BACK)
    async def test_what_is_written_is_read(self) -> None:
        one = self.known()[0]
        field, value = next(
            (name, text)
            for name, text in (await self._report()).values[one.id].items()
            if isinstance(text, str)
        )
        await self.subject.write_back(one, {field: f"{value}!"})
        told = (await self.subject.report([one])).values[one.id][field]
        await self.subject.write_back(one, {field: value})
        assert told == f"{value}!"
