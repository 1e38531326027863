"""What credentials of all platforms have in common: whom they speak for, and the ways of proving it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from .errors import InputError
from .exchange import Auth
from .tokens import Token


class Credential(Protocol):
    """By what right a client speaks."""

    @property
    def tenant(self) -> str:
        """Whom it speaks for: a corpid, a SuiteId or an appid."""
        ...

    def auths(self) -> Mapping[str, Auth]:
        """A way of proving it, for each kind of endpoint."""
        ...


def needed(instance: object, attribute: Any, value: Any) -> None:
    """Refuse an empty field; a validator of attrs."""
    if not value:
        raise InputError(f"{type(instance).__name__} needs {attribute.name}", attribute.name)


def alone(credential: Credential, **beside: object) -> Credential:
    """The credential, unless something was given beside it: it says all by itself."""
    for name, value in beside.items():
        if value:
            raise InputError(f"{name}: a credential says all by itself", name)
    return credential


def token_in(name: str) -> Callable[[Any, float], Token]:
    """How a token of that name is read out of a reply."""
    return lambda reply, now: Token.living(getattr(reply, name), reply.expires_in, now)
