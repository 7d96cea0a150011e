"""Drivers are found by name."""

from __future__ import annotations

import pytest

from medianest_core.base.drivers import DriverMissing, load_driver


def test_an_unknown_driver_is_named() -> None:
    with pytest.raises(DriverMissing, match="nothing"):
        load_driver("medianest.cache", "nothing")
