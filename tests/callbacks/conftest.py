"""What the stories share: events, and requests as the platforms post them."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from siyu_sdk.callbacks import Request
from siyu_sdk.core.crypto import CallbackCodec
from siyu_sdk.core.xml import to_xml
from siyu_sdk.wecom.callbacks import Callbacks

TOKEN, KEY, CORP = "QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "ww1234567890abcdef"
CODEC = CallbackCodec(TOKEN, KEY, [CORP])
NOW = 1_790_000_000


def added(user: str = "amy", customer: str = "wm1", *, code: str = "CODE", at: int = NOW, **more: str) -> dict[str, str | int]:
    """The elements of one customer's event."""
    return {
        "ToUserName": CORP,
        "FromUserName": "sys",
        "CreateTime": at,
        "MsgType": "event",
        "Event": "change_external_contact",
        "ChangeType": "add_external_contact",
        "UserID": user,
        "ExternalUserID": customer,
        "WelcomeCode": code,
        **more,
    }


def said(content: str, **more: str) -> dict[str, str | int]:
    """The elements of a text message to the app."""
    return {
        "ToUserName": CORP,
        "FromUserName": "amy",
        "CreateTime": NOW,
        "MsgType": "text",
        "Content": content,
        "MsgId": 9,
        "AgentID": 1,
    } | more


def query(encrypted: str, **more: str) -> str:
    return urlencode({"msg_signature": CODEC.sign(str(NOW), "nonce", encrypted), "timestamp": NOW, "nonce": "nonce", **more})


def posted(fields: dict[str, str | int] | bytes, receive_id: str = CORP) -> Request:
    """A callback as WeCom posts it: encrypted anew for each delivery."""
    text = fields if isinstance(fields, bytes) else to_xml(fields).encode()
    encrypted = CODEC.encrypt(text, receive_id)
    body = to_xml({"ToUserName": CORP, "AgentID": 1, "Encrypt": encrypted}).encode()
    return Request("POST", query(encrypted), {"content-type": "text/xml"}, body)


def greeting(word: str = "hello") -> Request:
    """The console's check of the address."""
    encrypted = CODEC.encrypt(word.encode(), CORP)
    return Request("GET", query(encrypted, echostr=encrypted))


@pytest.fixture
def callbacks() -> Callbacks:
    return Callbacks(TOKEN, KEY, CORP)


Post = Callable[[Request], "tuple[int, bytes]"]
"""Sends a request to an app; gives status and body."""
