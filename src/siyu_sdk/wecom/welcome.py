"""Welcome messages (发送新客户欢迎语): the first words to a new customer, by a code that lives 20 seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from ..core.call import Call
from ..core.endpoint import POST
from ..core.errors import InputError
from ..core.model import MaxItems, OrDict, Reply, Secret
from .messages import Attachment, MaxTextBytes, Text
from .resource import M, WeComResource


def _says_something(arguments: Mapping[str, Any]) -> None:
    text: Text | None = arguments.get("text")
    if (text is None or not text.content) and not arguments.get("attachments"):
        raise InputError("there is nothing to send: give text, attachments, or both", "text")


class Welcome(WeComResource[M]):
    """Welcome messages (新客户欢迎语)."""

    @POST("/cgi-bin/externalcontact/send_welcome_msg", docs=92137, check=_says_something)
    def send(
        self,
        welcome_code: Secret,
        *,
        text: Annotated[OrDict[Text], MaxTextBytes(4000)] | None = None,
        attachments: Annotated[Sequence[OrDict[Attachment]], MaxItems(9)] | None = None,
    ) -> Call[Reply]:
        """Greet a customer who has just been added (发送新客户欢迎语).

        The `welcome_code` comes with the event of adding, works **once**, and only for 20 seconds: answer while the event is being handled,
        with media uploaded before. At least text (4,000 bytes of UTF-8) or attachments (up to 9).
        Raises NotFound (41050) where the code is too old or used, Conflict where another app was faster (41096) or the two are chatting
        already (41051): none of these is worth another try. No code comes where the console has a welcome of its own.
        """
        ...
