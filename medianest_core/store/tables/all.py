"""Imports every core table, for migrations."""

import importlib
import pkgutil

from sqlalchemy import MetaData

import medianest_core.store.tables as package
from medianest_core.store.tables.base import metadata


def core_metadata() -> MetaData:
    """The complete MetaData of the core."""
    for module in pkgutil.iter_modules(package.__path__):
        if module.name != "all":
            importlib.import_module(f"{package.__name__}.{module.name}")
    return metadata
