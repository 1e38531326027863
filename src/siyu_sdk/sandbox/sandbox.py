"""The sandbox itself: four fake platforms on loopback, one world behind them, one clock above them."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from attrs import frozen

from .books import Books, Calls
from .clock import VirtualClock
from .control import Control
from .credentials import make_credentials
from .faults import Faults
from .miniprogram.state import MiniProgramPlatform
from .pay.state import Coupon, PayPlatform
from .platform import Platform
from .push import Push
from .seed import plant
from .server import PlatformServer
from .store.state import StorePlatform
from .wecom.state import WeComPlatform
from .world import Delivery, Humans, Sizes, World

if TYPE_CHECKING:  # floor 4 may know the clients; they are loaded when asked for
    from ..miniprogram.client import MiniProgram
    from ..pay.client import Pay
    from ..siyu import Siyu
    from ..store.client import Store
    from ..wecom.client import WeCom


@frozen
class Login:
    """One row of the brand's own user table, as its mini-program's logins would have filled it."""

    openid: str
    unionid: str | None


class Sandbox:
    """A WeChat to test against: WeCom, mini-program, store and WeChat Pay on real sockets, strict, seeded, with a clock to turn.

    `seed` decides on people, orders and chance; `port` 0 takes free ports, any other number five in a row from there on: WeCom,
    mini-program, store, pay, control. The sizes and `humans` shape the world. Use as a context manager, or call `start` and `stop`.

    >>> with Sandbox(seed=7) as sandbox:
    ...     sandbox.faults.add(path="*/add_msg_template", kind="drop_after_commit", rate=0.02)
    ...     run(sandbox.siyu())
    ...     sandbox.advance(days=7)
    ...     assert sandbox.invariants() == []

    What each platform simulates and what not stands at the top of its `state` module; nothing here ever leaves the machine.
    """

    def __init__(
        self,
        seed: int = 7,
        *,
        port: int = 0,
        members: int = 12,
        shops: int = 5,
        customers: int = 2000,
        days: int = 90,
        humans: Humans | None = None,
    ) -> None:
        if members < 1 or shops < 1 or customers < 0 or days < 1:
            raise ValueError("members, shops and days must be at least 1, customers at least 0")
        self.seed = seed
        self.sizes = Sizes(members, shops, customers, days)
        self.humans = humans or Humans()
        self.credentials = make_credentials()
        self.clock: VirtualClock
        self.world: World
        self.wecom: WeComPlatform
        self.miniprogram: MiniProgramPlatform
        self.store: StorePlatform
        self.pay: PayPlatform
        self.books: Books
        self.faults = Faults(seed)
        self.calls: Calls
        self._build()
        self._port = port
        self._servers: list[PlatformServer] = []

    def _build(self) -> None:
        self.clock = VirtualClock()
        self.world = World(self.seed, self.sizes, self.humans, self.credentials, self.clock)
        self.calls = Calls(self.clock)
        self.wecom = WeComPlatform(self.world, Push(self.world, "wecom", retries=(5, 5, 5)))
        self.miniprogram = MiniProgramPlatform(self.world)
        self.store = StorePlatform(self.world)
        self.pay = PayPlatform(self.world, Push(self.world, "pay", retries=(60,) * 11))
        self.books = Books(self.world, self.wecom, self.pay, self.calls)
        self.wecom.plant(*plant(self.world))
        self.pay.plant()

    def _platforms(self) -> tuple[Platform, ...]:
        return self.wecom, self.miniprogram, self.store, self.pay

    def start(self) -> Self:
        """Listen, and let time run. OSError where a port is taken."""
        try:
            for n, platform in enumerate((*self._platforms(), Control(self))):
                self._servers.append(PlatformServer(platform, self._port and self._port + n, self.faults, self.calls))
        except OSError:
            for server in self._servers:
                server.server_close()
            self._servers = []
            raise
        for server in self._servers:
            server.start()
        self.world.timeline.start()
        return self

    def stop(self) -> None:
        """Closes all ports and connections; the books stay readable."""
        self.world.timeline.stop()
        threads = [threading.Thread(target=server.stop) for server in self._servers]
        self._servers = []
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<Sandbox seed={self.seed} {self.clock!r}{f' control={self.control_url}' if self._servers else ''}>"

    def reset(self) -> None:
        """The world as it was at the start, clock and books included; ports and callback URLs stay, faults and tokens go."""
        urls = self.wecom_callback_url, self.pay_callback_url
        self.world.timeline.stop()
        self.faults.clear()
        self._build()
        self.wecom_callback_url, self.pay_callback_url = urls
        for server, platform in zip(self._servers, self._platforms(), strict=False):
            server.serve_from_now_on(platform, self.calls)
        self.world.timeline.start()

    # where it listens

    def _url(self, place: int) -> str:
        if not self._servers:
            raise RuntimeError("the sandbox listens only between start and stop: use it in a with statement")
        return self._servers[place].url

    @property
    def wecom_url(self) -> str:
        """The base URL for a client."""
        return self._url(0)

    @property
    def miniprogram_url(self) -> str:
        """The base URL for a client."""
        return self._url(1)

    @property
    def store_url(self) -> str:
        """The base URL for a client."""
        return self._url(2)

    @property
    def pay_url(self) -> str:
        """The base URL for a client."""
        return self._url(3)

    @property
    def control_url(self) -> str:
        """The control server, and SIYU_CLOCK_URL for other processes."""
        return self._url(4)

    # where it calls back

    @property
    def wecom_callback_url(self) -> str | None:
        """Where WeCom's events go, encrypted and signed. Lateness, doubles and losses: `sandbox.wecom.push`."""
        return self.wecom.push.url

    @wecom_callback_url.setter
    def wecom_callback_url(self, url: str | None) -> None:
        self.wecom.push.url = url

    @property
    def pay_callback_url(self) -> str | None:
        """Where PRODUCT_COUPON_SP.SEND notices go, encrypted and signed. Lateness, doubles and losses: `sandbox.pay.push`."""
        return self.pay.push.url

    @pay_callback_url.setter
    def pay_callback_url(self, url: str | None) -> None:
        self.pay.push.url = url

    # time and books

    def advance(self, by: timedelta | None = None, /, **parts: float) -> int:
        """Skip virtual time, by a timedelta or by its parts (days=, hours=, minutes=, seconds=), and let everything due happen in order.

        Callbacks that fall due are delivered, and answered, before it returns. Gives the number of happenings. ValueError for going back.
        """
        span = (by or timedelta()) + timedelta(**parts)
        if span < timedelta():
            raise ValueError("time does not run backwards")
        return self.world.timeline.advance(span.total_seconds())

    def inbox(self, external_userid: str) -> list[Delivery]:
        """Messages that reached this customer, or this customer group by its chat_id, oldest first."""
        return self.books.inbox(external_userid)

    def wallet(self, person: str) -> list[Coupon]:
        """The coupons of one person, by unionid, openid or external_userid."""
        return self.books.wallet(person)

    def invariants(self) -> list[str]:
        """Everything that must never be and is: an empty list is the good answer."""
        return self.books.invariants()

    def logins(self) -> list[Login]:
        """The brand's own user table: who logged in to the mini-program, and their unionid. It joins orders (openid) to customers."""
        with self.world.lock:
            return [Login(p.miniprogram_openid, p.unionid) for p in self.world.people if p.miniprogram_openid]

    # clients

    def environment(self) -> dict[str, str]:
        """Environment variables with which `Siyu.from_env()` in another process reaches this sandbox."""
        ids = self.credentials
        return {
            "SIYU_WECOM_CORPID": ids.corpid,
            "SIYU_WECOM_CORPSECRET": ids.corpsecret,
            "SIYU_WECOM_AGENTID": str(ids.agentid),
            "SIYU_WECOM_BASE_URL": self.wecom_url,
            "SIYU_WECOM_CALLBACK_TOKEN": ids.callback_token,
            "SIYU_WECOM_CALLBACK_AES_KEY": ids.callback_aes_key,
            "SIYU_MINIPROGRAM_APPID": ids.miniprogram_appid,
            "SIYU_MINIPROGRAM_SECRET": ids.miniprogram_secret,
            "SIYU_MINIPROGRAM_BASE_URL": self.miniprogram_url,
            "SIYU_STORE_APPID": ids.store_appid,
            "SIYU_STORE_SECRET": ids.store_secret,
            "SIYU_STORE_BASE_URL": self.store_url,
            "SIYU_PAY_MCHID": ids.mchid,
            "SIYU_PAY_SERIAL_NO": ids.serial_no,
            "SIYU_PAY_PRIVATE_KEY": ids.private_key,
            "SIYU_PAY_API_V3_KEY": ids.api_v3_key,
            "SIYU_PAY_PUBLIC_KEY": ids.public_key,
            "SIYU_PAY_PUBLIC_KEY_ID": ids.public_key_id,
            "SIYU_PAY_CERTIFICATE": ids.certificate,
            "SIYU_PAY_BASE_URL": self.pay_url,
            "SIYU_BRAND_ID": ids.brand_id,
            "SIYU_CLOCK_URL": self.control_url,
        }

    def wecom_client(self, **options: Any) -> WeCom:
        """A WeCom client for this sandbox and its clock; `options` go to the client."""
        from ..wecom.client import WeCom

        ids = self.credentials
        settings: dict[str, Any] = {"agentid": ids.agentid, "base_url": self.wecom_url, "clock": self.clock, **options}
        return WeCom(ids.corpid, ids.corpsecret, **settings)

    def miniprogram_client(self, **options: Any) -> MiniProgram:
        """A mini-program client for this sandbox and its clock; `options` go to the client."""
        from ..miniprogram.client import MiniProgram

        ids = self.credentials
        settings: dict[str, Any] = {"base_url": self.miniprogram_url, "clock": self.clock, **options}
        return MiniProgram(ids.miniprogram_appid, ids.miniprogram_secret, **settings)

    def store_client(self, **options: Any) -> Store:
        """A store client for this sandbox and its clock; `options` go to the client."""
        from ..store.client import Store

        settings: dict[str, Any] = {"base_url": self.store_url, "clock": self.clock, **options}
        return Store(self.credentials.store_appid, self.credentials.store_secret, **settings)

    def pay_client(self, **options: Any) -> Pay:
        """A WeChat Pay client that trusts public key and certificate; `options` go to the client."""
        from ..pay.client import Pay

        ids = self.credentials
        settings: dict[str, Any] = {
            "public_key": ids.public_key,
            "public_key_id": ids.public_key_id,
            "certificates": (ids.certificate,),
            "base_url": self.pay_url,
            "clock": self.clock,
            **options,
        }
        return Pay(ids.mchid, ids.serial_no, ids.private_key, ids.api_v3_key, **settings)

    def siyu(self, **options: Any) -> Siyu:
        """The hub with all four platforms on this sandbox; `options` (ledger=…) go to `Siyu`."""
        from ..siyu import Siyu

        settings: dict[str, Any] = {
            "wecom": self.wecom_client(),
            "miniprogram": self.miniprogram_client(),
            "store": self.store_client(),
            "pay": self.pay_client(),
            "clock": self.clock,
            "settle": timedelta(seconds=1.5),
            **options,
        }
        return Siyu(**settings)
