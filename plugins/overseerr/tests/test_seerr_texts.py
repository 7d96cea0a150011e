"""Everything the plugin says is there in German too."""

from __future__ import annotations

from pathlib import Path

import medianest_overseerr
from medianest_core.sdk import secret_fields
from medianest_core.web.portal.messages import gather, missing
from medianest_overseerr import plugin
from medianest_overseerr.service import SEERR
from medianest_overseerr.settings import SeerrSettings


def test_all_is_translated() -> None:
    folder = Path(medianest_overseerr.__file__).parent
    found = gather(folder)
    assert len(found) > 60
    assert missing(found, folder / "locale", "overseerr", ["de"]) == []


def test_settings_explain_themselves_and_hide_what_is_secret() -> None:
    assert all(field.title and field.description for field in SeerrSettings.model_fields.values())
    assert secret_fields(SeerrSettings) == {"api_key", "webhook_secret"}
    settings = SeerrSettings.model_validate({"url": "http://nas.lan:5055/seerr/", "api_key": "canary"})
    assert "canary" not in repr(settings) and "canary" not in str(settings.model_dump(mode="json"))
    assert "canary" not in settings.message_secret()
    assert settings.base_url() == "http://nas.lan:5055/seerr"
    assert set(settings.hosts()) == {"nas.lan:5055", "image.tmdb.org:443"}


def test_the_plugin_declares_everything_for_one_service() -> None:
    declared = [
        *plugin.register_request_backends(),
        *plugin.register_catalogs(),
        *plugin.register_webhook_receivers(),
        *plugin.register_status_providers(),
    ]
    assert len(declared) == 4
    assert all(provider.service is SEERR for provider in declared)
