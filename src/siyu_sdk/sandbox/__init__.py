"""The embedded fake platform: WeCom, mini-program, store and WeChat Pay on loopback, to test against and to show with.

>>> with Sandbox(seed=7) as sandbox:
...     siyu = sandbox.siyu()
"""

from __future__ import annotations

from .books import CallRecord
from .clock import VirtualClock
from .credentials import Credentials
from .faults import Fault
from .pay.state import Coupon
from .remote import RemoteClock
from .sandbox import Login, Sandbox
from .world import Delivery, Humans, Person

__all__ = [
    "CallRecord",
    "Coupon",
    "Credentials",
    "Delivery",
    "Fault",
    "Humans",
    "Login",
    "Person",
    "RemoteClock",
    "Sandbox",
    "VirtualClock",
]
