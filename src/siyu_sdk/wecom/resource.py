"""What every WeCom chapter derives from."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Final, TypeAlias, TypeVar, get_origin, get_type_hints

from ..core.call import Call
from ..core.endpoint import M, Resource
from ..core.errors import InputError
from ..core.model import Reply

R = TypeVar("R")

__all__ = ["AgentId", "CursorReply", "M", "WeComResource", "completed"]


class WeComResource(Resource[M]):
    """A group of WeCom endpoints."""

    platform: ClassVar[str] = "wecom"


class CursorReply(Reply):
    """A reply that comes in pages. Only an empty `next_cursor` ends them: a page may be short, or empty, in the middle."""

    next_cursor: str = ""

    def next_page(self, arguments: Mapping[str, Any]) -> Mapping[str, Any] | None:  # noqa: ARG002 -- what `@paged` asks of a page
        """Give what to change for the next page, or None at the end."""
        return {"cursor": self.next_cursor} if self.next_cursor else None


class _OfTheClient:
    """Marks a parameter that the client fills in where a call leaves it out."""


OF_THE_CLIENT: Final = _OfTheClient()

AgentId: TypeAlias = Annotated[int | None, OF_THE_CLIENT]
"""The app that speaks: where it is left out, the one of the client that sends the call."""


def completed(call: Call[R], client: object) -> Call[R]:
    """Fill in what a call leaves to the client that sends it.

    Raises:
        InputError: the client does not know it either.
    """
    names = _left_to_the_client(call.spec.function)
    missing = [name for name in names if name not in call.arguments and name not in call.extra] if names else ()
    if not missing:
        return call
    known = {name: getattr(client, name) for name in missing}
    for name, value in known.items():
        if value is None:
            maker = type(client).__name__
            raise InputError(f"{call.spec}: {name} is needed: give it here, or to the client, {maker}(…, {name}=…)", name)
    return call.replace(**known)


@functools.cache
def _left_to_the_client(function: Callable[..., Any]) -> tuple[str, ...]:
    """The marked parameters of a declaration."""
    hints = get_type_hints(function, include_extras=True)
    return tuple(name for name, hint in hints.items() if get_origin(hint) is Annotated and OF_THE_CLIENT in hint.__metadata__)
