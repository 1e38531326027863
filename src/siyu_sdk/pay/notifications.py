"""Notifications (回调通知): what WeChat Pay posts to the merchant's URL, verified, decrypted and typed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, cast

from attrs import frozen

from ..core.clock import Clock, SystemClock
from ..core.crypto import gcm_decrypt
from ..core.errors import DecryptError, InputError, UsageError
from ..core.events import UnknownEvent, fingerprint, load_text, read_event
from ..core.model import Rfc3339, WireModel, decode
from .events import PayEvent
from .signing import Verifier

ALGORITHM: Final = "AEAD_AES_256_GCM"


class EncryptedResource(WireModel):
    """What a notification is about, encrypted with the APIv3 key."""

    original_type: str = ""
    algorithm: str = ALGORITHM
    associated_data: str = ""
    nonce: str
    ciphertext: str


class Envelope(WireModel):
    """A notification as it is posted."""

    id: str
    create_time: Rfc3339 | None = None
    event_type: str
    resource_type: str = ""
    summary: str = ""
    resource: EncryptedResource


@frozen
class Notification:
    """A verified notification."""

    id: str
    """The same in each delivery of one notification; business numbers tell repeated events apart."""
    event_type: str
    event: PayEvent | UnknownEvent
    """The decrypted resource as its own type (see `siyu_sdk.pay.events`), or `UnknownEvent`: keep and acknowledge that too."""
    create_time: datetime | None = None
    summary: str = ""
    original_type: str = ""
    fingerprint: str = ""
    """A hash of all that was said, the same in each delivery of one notification."""


class Notifications:
    """Reads notifications. Does no I/O, so sync and async clients share it; web processes may make one without a client."""

    def __init__(self, verifier: Verifier, api_v3_key: str, *, clock: Clock | None = None) -> None:
        self._key = api_v3_key.encode("utf-8", "replace")
        if len(self._key) != 32:
            raise InputError(f"api_v3_key must have 32 bytes, got {len(self._key)}", "api_v3_key")
        self._verifier = verifier
        self._clock = clock or SystemClock()

    def __repr__(self) -> str:
        return f"<Notifications verified by {self._verifier!r}>"

    def receive(self, headers: Mapping[str, str], body: bytes) -> Notification:
        """Read one notification from the headers (in any case) and the raw body of a POST.

        Answer 200 or 204 within 5 s, after storing it and before working on it; where this raises, answer 4xx or 5xx. The same
        notification may come many times, at once too, and none is certain to come: query what you wait for as well.

        Raises:
            SignatureError: WeChat Pay has not signed it, or more than five minutes ago.
            DecryptError: `api_v3_key` is not the key of this merchant.
            DecodeError: signed, but not what a notification looks like.
            UsageError: the body is not bytes, but what a framework made of them.
        """
        if not isinstance(body, bytes):  # pyright: ignore[reportUnnecessaryIsInstance] -- a framework's parsed body comes untyped
            raise UsageError(f"a notification is read from the raw body of the request as bytes, got {type(body).__name__}")
        lowered = {str(name).lower(): str(value) for name, value in headers.items()}
        self._verifier.verify(lowered, body, self._clock.time(), "notification")
        envelope: Envelope = decode(Envelope, body, "notification")
        resource = envelope.resource
        if resource.algorithm != ALGORITHM:
            raise DecryptError(f"notification: the resource is encrypted with {resource.algorithm[:40]!r}, not with {ALGORITHM}")
        nonce, associated = (text.encode("utf-8", "replace") for text in (resource.nonce, resource.associated_data))
        plain = gcm_decrypt(self._key, nonce, resource.ciphertext, associated)
        event = read_event("pay", envelope.event_type, resource.original_type, load_text(plain))
        return Notification(
            envelope.id,
            envelope.event_type,
            cast("PayEvent | UnknownEvent", event),
            envelope.create_time,
            envelope.summary,
            resource.original_type,
            fingerprint("pay", envelope.id, envelope.event_type, resource.original_type, plain),
        )
