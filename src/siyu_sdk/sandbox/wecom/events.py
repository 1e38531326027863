"""Events of WeCom: into the books, and encrypted and signed to whoever listens, as late, often or seldom as `push` is told."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from ...core.crypto import CallbackCodec
from ..push import Message, Push
from ..world import World


class Events:
    """What the platform tells the company's server."""

    def __init__(self, world: World, push: Push) -> None:
        self._world = world
        self._push = push
        self._codec = CallbackCodec(world.credentials.callback_token, world.credentials.callback_aes_key, [world.credentials.corpid])

    def tell(self, event: str, change_type: str = "", **fields: str | Sequence[str]) -> None:
        """One event. Empty fields are left out; a list becomes repeated `Item` elements."""
        head: dict[str, Any] = {"ToUserName": self._world.credentials.corpid, "FromUserName": "sys"}
        if event.startswith("kf_"):
            del head["FromUserName"]
        head |= {"CreateTime": str(self._world.now()), "MsgType": "event", "Event": event}
        if change_type:
            head["ChangeType"] = change_type
        told = head | {name: value for name, value in fields.items() if value}
        self._world.events.append(told)
        self._push.send(lambda: self._callback(told))

    def verify_url(self) -> bool:
        """What the console does when a callback URL is saved: a GET whose decrypted echostr has to come back within a second."""
        word = secrets.token_hex(8)
        echostr = self._codec.encrypt(word.encode(), self._world.credentials.corpid)
        query = f"{self._signed(echostr)}&{urlencode({'echostr': echostr})}"
        attempt = self._push.deliver(Message(query=query, method="GET"))
        return attempt.status == 200 and attempt.reply == word.encode()

    def _callback(self, event: Mapping[str, Any]) -> Message:
        """The event in its envelope, encrypted and signed for this moment."""
        corpid, agentid = self._world.credentials.corpid, self._world.credentials.agentid
        encrypted = self._codec.encrypt(_xml(event).encode(), corpid)
        envelope = _xml({"ToUserName": corpid, "AgentID": str(agentid), "Encrypt": encrypted})
        return Message(envelope.encode(), self._signed(encrypted), {"Content-Type": "text/xml"})

    def _signed(self, encrypted: str) -> str:
        timestamp, nonce = str(self._world.now()), secrets.token_hex(5)
        return urlencode({"msg_signature": self._codec.sign(timestamp, nonce, encrypted), "timestamp": timestamp, "nonce": nonce})


def _xml(fields: Mapping[str, Any]) -> str:
    return "<xml>" + "".join(f"<{name}>{_content(value)}</{name}>" for name, value in fields.items()) + "</xml>"


def _content(value: str | Sequence[str]) -> str:
    if not isinstance(value, str):
        return "".join(f"<Item>{_content(item)}</Item>" for item in value)
    return value if value.isdigit() else "<![CDATA[" + value.replace("]]>", "]]]]><![CDATA[>") + "]]>"
