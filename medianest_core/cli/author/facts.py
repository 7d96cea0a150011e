"""What a plugin brings, as JSON: for whoever looks at it from outside."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError

from medianest_core.cli.author.samples import sample
from medianest_core.host.declarations import Declarations
from medianest_core.host.registry import contribution_counts, kind_names
from medianest_core.host.settings_models import each_field, secret_names
from medianest_core.host.validate import own_tables
from medianest_core.sdk.settings import ServiceSettings
from medianest_core.sdk.storage import TableSet

_ADDRESS = "127.0.0.1:9"


def facts_of(declared: Declarations) -> dict[str, Any]:
    """name, title, description, homepage, api, providers, services, permissions, tables, contributions."""
    manifest = declared.manifest
    return {
        "name": manifest.name,
        "title": manifest.title,
        "description": manifest.description,
        "homepage": manifest.homepage,
        "api": manifest.api,
        "providers": kind_names(declared.providers),
        "services": [
            {
                "name": service.name,
                "title": service.title,
                "fields": {
                    name: bool(field.description or field.title)
                    for name, field in each_field(service.settings)
                },
                "secrets": sorted(secret_names(service.settings)),
                "checks": service.check is not None,
                "hosts": fixed_hosts(service.settings),
            }
            for service in declared.services.values()
        ],
        "permissions": [one.name for one in manifest.permissions],
        "tables": [
            name for item in declared.contributions if isinstance(item, TableSet) for name in own_tables(item)
        ],
        "contributions": contribution_counts(declared),
    }


def fixed_hosts(model: type[ServiceSettings]) -> list[str]:
    """Hosts that instances may reach beside those that an admin types."""
    try:
        values = sample(model.model_json_schema(), whole=False)
        for name, field in model.model_fields.items():
            if "Url" in str(field.annotation) and name in values:
                values[name] = f"http://{_ADDRESS}/"
        hosts = model.model_validate(values).hosts()
    except ValidationError:
        return []
    return sorted(host for host in hosts if host != _ADDRESS)
