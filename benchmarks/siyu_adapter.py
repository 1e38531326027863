"""siyu_sdk as one arm of the comparison kit: what the kit imports as `adapters.siyu` (see `kit.py`)."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import siyu_sdk
from siyu_sdk import AsyncWeCom, Pay, WeCom
from siyu_sdk.core.tokens import MemoryTokenCache, Token, TokenCache
from siyu_sdk.pay.signing import PayAuth, Verifier
from siyu_sdk.wecom.callbacks import Callbacks
from siyu_sdk.wecom.credentials import token_source
from siyu_sdk.wecom.customers import Customers

bench: Any = importlib.import_module("payloads")  # the kit has the ids and keys that all arms share

IMPORT = "import siyu_sdk"
PATH = str(Path(siyu_sdk.__file__).parents[1])


def _cache(token: str | None) -> TokenCache:
    cache = MemoryTokenCache()
    if token is not None:
        cache.put(token_source(bench.CORP_ID, bench.SECRET).key, Token(token, time.time() + 7200))
    return cache


class _Sync:
    def __init__(self, base_url: str, token: str | None = None, store: str | None = None) -> None:
        cache = _cache(token)
        if store is not None:
            from siyu_sdk.caches import FileTokenCache

            cache = FileTokenCache(store)
        self.wecom = WeCom(bench.CORP_ID, bench.SECRET, base_url=base_url, cache=cache)

    def get_contact(self, external_userid: str) -> Any:
        return self.wecom.customers.get(external_userid)

    def mark_tag(self, userid: str, external_userid: str, add_tag: list[str]) -> Any:
        return self.wecom.customers.mark_tag(userid, external_userid, add_tag=add_tag)

    def iter_customers(self, userids: list[str], limit: int = 100) -> Iterator[Any]:
        return self.wecom.customers.all(userids, limit=limit)

    def close(self) -> None:
        self.wecom.close()


class _Async:
    def __init__(self, base_url: str, token: str | None = None) -> None:
        self.wecom = AsyncWeCom(bench.CORP_ID, bench.SECRET, base_url=base_url, cache=_cache(token))

    async def get_contact(self, external_userid: str) -> Any:
        return await self.wecom.customers.get(external_userid)

    async def aclose(self) -> None:
        await self.wecom.aclose()


sync_client, async_client = _Sync, _Async


def page_parser() -> Callable[[bytes], Any]:
    return Customers.batch_get.spec.parse


def callback_decoder() -> Callable[[str, str, str, bytes], Any]:
    return Callbacks(bench.CB_TOKEN, bench.CB_AES_KEY, bench.CORP_ID).receive


class _Payer:
    """The jsapi order is not typed here: it goes through `request`, signed and verified like every other call."""

    def __init__(self, base_url: str = "http://127.0.0.1") -> None:
        keys = bench.keys()
        public = {"public_key": keys["plat_pub"], "public_key_id": bench.PUB_KEY_ID}
        self.verifier = Verifier(**public)
        self.auth = PayAuth(bench.MCHID, bench.CERT_SERIAL, keys["mch_key"], self.verifier)
        self.pay = Pay(bench.MCHID, bench.CERT_SERIAL, keys["mch_key"], bench.APIV3_KEY, base_url=base_url, **public)

    def sign(self, method: str, path: str, body: str) -> str:
        return self.auth.authorization(method, path, body.encode(), int(time.time()))

    def verify(self, headers: Mapping[str, str], body: bytes) -> bool:
        self.verifier.verify({name.lower(): value for name, value in headers.items()}, body, time.time(), "reply")
        return True

    def jsapi(self, order: dict[str, Any]) -> Any:
        return self.pay.request("POST", "/v3/pay/transactions/jsapi", json=order)


payer = _Payer
