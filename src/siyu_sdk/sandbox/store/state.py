"""What the fake store remembers: its own stable tokens (another account than the mini-program) and the orders of the world.

Not simulated: products, after-sales, shipping by the store's own calls, callbacks.
"""

from __future__ import annotations

from ..platform import JsonPlatform
from ..world import Order, World
from .errors import TABLE


class StorePlatform(JsonPlatform["StorePlatform"]):
    """The state of the fake store platform."""

    name = "store"

    def __init__(self, world: World) -> None:
        from .routes import router

        super().__init__(world, router, TABLE)
        self.appid = world.credentials.store_appid
        self.secret = world.credentials.store_secret

    @property
    def orders(self) -> list[Order]:
        """Oldest first."""
        return self.world.orders["store"]
