"""Pictures of catalogs through our own address.

An id holds what it leads to, signed with the portal's key: there is no way to ask for anything that no catalog named.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

import orjson

from medianest_core.domain.library.pictures.image_store import ImageStore, ServedImage
from medianest_core.host.instances import Instances
from medianest_core.sdk.catalog import Catalog
from medianest_core.sdk.errors import NotFound, NotReady, ProviderError

PREFIX = "catalog/"
LONGEST = 600
"""Characters of an id."""
_PURPOSE = b"pictures of catalogs"
_SIGNED = 12


class Pictures:
    """key: the portal's signing key. store: where all pictures are kept."""

    def __init__(self, instances: Instances, store: ImageStore, key: bytes) -> None:
        self._instances = instances
        self._store = store
        self._key = hmac.new(key, _PURPOSE, hashlib.sha256).digest()

    def image(self, instance_id: str, reference: str) -> str:
        """What stands below "/img/" for a catalog's reference."""
        named = orjson.dumps([instance_id, reference])
        return PREFIX + base64.urlsafe_b64encode(self._mark(named) + named).rstrip(b"=").decode()

    async def serve(self, picture: str, width: int, accept: str = "", *, tall: bool = True) -> ServedImage:
        """The picture of an id without its prefix. Raises NotFound for an id that we did not make and for a picture that is gone;
        other ProviderErrors where it cannot be had now and there is no stored copy."""
        instance_id, reference = self._read(picture)

        async def fetch(size: int) -> bytes:
            height = size * 3 // 2 if tall else size * 9 // 16
            return (await self._catalog(instance_id).image(reference, size, height)).content

        key = f"catalog\0{instance_id}\0{reference}\0{'tall' if tall else 'wide'}"
        return await self._store.serve(key, width, accept, fetch)

    def _catalog(self, instance_id: str) -> Catalog:
        try:
            return self._instances.get(Catalog, instance_id).api  # type: ignore[type-abstract]  # a key, not made
        except ProviderError:
            raise
        except Exception as error:
            raise NotReady("This service is no longer configured.") from error

    def _read(self, picture: str) -> tuple[str, str]:
        try:
            padded = picture.encode("ascii") + b"=" * (-len(picture) % 4)
            content = base64.urlsafe_b64decode(padded) if len(picture) <= LONGEST else b""
        except (binascii.Error, ValueError):
            content = b""
        mark, named = content[:_SIGNED], content[_SIGNED:]
        if not named or not hmac.compare_digest(mark, self._mark(named)):
            raise NotFound("There is no such picture.")
        instance_id, reference = orjson.loads(named)
        return str(instance_id), str(reference)

    def _mark(self, named: bytes) -> bytes:
        return hmac.new(self._key, named, hashlib.sha256).digest()[:_SIGNED]
