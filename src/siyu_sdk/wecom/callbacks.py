"""Callbacks (回调配置): what WeCom posts to your address, verified, decrypted and typed.

callbacks = Callbacks(token, encoding_aes_key, corpid)
# GET: answer with this text, as it is
callbacks.verify_url(msg_signature, timestamp, nonce, echostr)
# POST: the raw body; answer 200 with an empty body within 5 seconds
event = callbacks.receive(msg_signature, timestamp, nonce, body)
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from ..core.clock import Clock, SystemClock
from ..core.crypto import CallbackCodec
from ..core.errors import DecodeError, DecryptError, InputError, SignatureError, UsageError
from ..core.events import Event, Incoming, fingerprint, load_text
from ..core.xml import to_xml
from .events import WeComEvent, parse
from .replies import PassiveReply

OPENING, CLOSING = b"<Encrypt><![CDATA[", b"]]></Encrypt>"
"""Around the one element that matters. It is cut out of the envelope, not parsed: what it holds is signed, the rest is not."""


class Callbacks:
    """One callback address, as set in the console (接收消息服务器配置).

    `receive_id` is whom callbacks are meant for: the corpid of a company's own app, the SuiteId of a third-party app. A provider's address
    may get callbacks for several: give them all. What is meant for anybody else is refused. Token and key do not show in `repr`.
    """

    def __init__(self, token: str, encoding_aes_key: str, receive_id: str | Iterable[str], *, clock: Clock | None = None) -> None:
        self._receive_ids = frozenset((receive_id,) if isinstance(receive_id, str) else receive_id)
        if not self._receive_ids:
            raise InputError("receive_id: give the corpid or SuiteId that callbacks are meant for", "receive_id")
        self._codec = CallbackCodec(token, encoding_aes_key, self._receive_ids)
        self._clock = clock or SystemClock()

    def __repr__(self) -> str:
        return f"<Callbacks for {', '.join(map(repr, sorted(self._receive_ids)))}>"

    def verify_url(self, msg_signature: str | None, timestamp: str | None, nonce: str | None, echostr: str | None) -> str:
        """Give the text to answer to the console's check of the address, within a second (验证URL有效性).

        The four come from the query, percent-decoded once: a `+` in `echostr` is no blank. None stands for one that is missing.

        Raises:
            SignatureError: it is not from the platform, or the token is another.
            DecryptError: the key is another, or it is meant for another receiver.
        """
        return self._decrypt(msg_signature, timestamp, nonce, echostr)[0]

    def receive(self, msg_signature: str | None, timestamp: str | None, nonce: str | None, body: bytes) -> Event:
        """Turn a callback's raw body into its event (接收事件). What no type covers is an `UnknownEvent`.

        Callbacks repeat and overtake each other: make what you do with them harmless to repeat. Raises what `open` raises.
        """
        return parse(self._text(msg_signature, timestamp, nonce, body)[0])

    def open(self, msg_signature: str | None, timestamp: str | None, nonce: str | None, body: bytes) -> Incoming:
        """Give the event with its fingerprint and receiver: what `siyu_sdk.callbacks.Router` works with (接收事件).

        Raises:
            SignatureError: it is not from the platform, or the token is another.
            DecryptError: the key is another, or it is meant for another receiver.
            DecodeError: the body is no callback.
            UsageError: the body is not bytes, but what a framework made of them.
        """
        text, receiver = self._text(msg_signature, timestamp, nonce, body)
        event = parse(text)
        happened_at = event.happened_at if isinstance(event, WeComEvent) else None
        return Incoming(event, fingerprint("wecom", receiver, text), happened_at, receiver)

    def _text(self, msg_signature: str | None, timestamp: str | None, nonce: str | None, body: bytes) -> tuple[str, str]:
        if not isinstance(body, bytes):  # pyright: ignore[reportUnnecessaryIsInstance] -- a framework's parsed body comes untyped
            raise UsageError(f"a callback is read from the raw body of the request as bytes, got {type(body).__name__}")
        _, opened, rest = body.partition(OPENING)
        inside, closed, _ = rest.partition(CLOSING)
        encrypted = inside.decode("ascii", "replace") if opened and closed else load_text(body).get("Encrypt")
        if not isinstance(encrypted, str):
            raise DecodeError.of(ValueError("it has no Encrypt element"), "callback", body)
        return self._decrypt(msg_signature, timestamp, nonce, encrypted)

    def seal(self, reply: PassiveReply, event: WeComEvent, *, receive_id: str | None = None) -> str:
        """Address a passive reply to whoever an event is from, and wrap it (被动回复消息).

        Raises:
            InputError: the reply is too long, or the event has nobody to answer.
        """
        return self.encrypt_reply(reply.to_xml(event, at=self._clock.time()), receive_id=receive_id)

    def encrypt_reply(self, xml: str, *, receive_id: str | None = None) -> str:
        """Wrap a passive reply (被动回复消息): the text to answer a callback with, within 5 seconds.

        `seal` makes the XML as well. `receive_id` is needed where this address serves several receivers: the one that the
        callback was meant for.
        """
        sender = receive_id if receive_id is not None or len(self._receive_ids) > 1 else next(iter(self._receive_ids))
        if sender is None or sender not in self._receive_ids:
            raise InputError(f"receive_id: say which of {', '.join(sorted(self._receive_ids))} the reply is from", "receive_id")
        encrypted = self._codec.encrypt(xml.encode(), sender)
        timestamp, nonce = str(int(self._clock.time())), secrets.token_hex(8)
        signature = self._codec.sign(timestamp, nonce, encrypted)
        return to_xml({"Encrypt": encrypted, "MsgSignature": signature, "TimeStamp": int(timestamp), "Nonce": nonce})

    def _decrypt(self, msg_signature: str | None, timestamp: str | None, nonce: str | None, encrypted: str | None) -> tuple[str, str]:
        parts = (msg_signature or "", timestamp or "", nonce or "", encrypted or "")
        if not all(parts) or not "".join(parts).isascii():
            raise SignatureError("the callback has no proper msg_signature, timestamp and nonce in its query")
        self._codec.verify(*parts)
        content, receiver = self._codec.unwrap(parts[3])
        try:
            return content.decode(), receiver
        except UnicodeDecodeError:
            raise DecryptError("the callback cannot be decrypted: is encoding_aes_key the one of this callback URL?") from None
