"""What the service signs and seals with: replaced, while it runs, when the key is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import lru_cache

import structlog

from ringpool.security.keeping import Seal, seal_for
from ringpool.security.keyring import KeyringError, SigningKeyFile
from ringpool.security.signing import SigningKeys

_MAX_SIGNATURES = 8192
LOOK_SECONDS = 1.0
"""How often the file is looked at."""

log = structlog.get_logger("ringpool.signing")


class Signing:
    """``sign(number, pool, expires)`` remembers its signatures: many clicks share one. ``seal``:
    what visitors bring back of sticky pools."""

    keys: SigningKeys
    sign: Callable[[str, str, int], str]
    seal: Seal

    def __init__(self, keys: SigningKeys) -> None:
        self._use(keys)

    async def follow(self, file: SigningKeyFile, replaced: Callable[[], object]) -> None:
        """Take over the keys of a file when they change, and call ``replaced``; until cancelled.

        Each process of a service looks by itself. So that none gets what it can't verify, a new key
        verifies for two looks before it signs.
        """
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                keys = await asyncio.to_thread(file.changed)
            except KeyringError as error:
                log.warning("signing_key_not_read", reason=str(error))
                continue
            known = [signer.kid for signer in self.keys.all]
            if keys is None or [signer.kid for signer in keys.all] == known:
                continue
            if keys.current.kid not in known:
                self._use(SigningKeys(self.keys.current, keys.current))
                await asyncio.sleep(2 * LOOK_SECONDS)
            self._use(keys)
            replaced()
            log.info("signing_key_replaced", kids=[signer.kid for signer in keys.all])

    def _use(self, keys: SigningKeys) -> None:
        self.keys = keys
        self.sign = lru_cache(_MAX_SIGNATURES)(keys.sign)
        self.seal = seal_for(keys)
