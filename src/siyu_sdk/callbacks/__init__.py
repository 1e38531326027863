"""Callbacks: what the platforms post to you, handled once and answered in time.

```python
router = Router()


@router.on(AddExternalContact, after_reply=True)
async def welcome(event: AddExternalContact) -> None: ...


# FastAPI; `.flask` and `.django` are alike
app.add_api_route("/wecom", starlette.endpoint(callbacks, router), methods=["GET", "POST"])
```

`router` is who handles what, `seen` what has been handled, `doors` how each platform is read and answered; `starlette`, `flask` and
`django` bring the bytes.
"""

from __future__ import annotations

from .doors import Answer, Door, PayDoor, Request, WeComDoor, aanswer, answer, door_of
from .router import Context, Outcome, Router
from .seen import Claim, MemorySeen, RedisSeen, Seen, SqlSeen, Turn

__all__ = [
    "Answer",
    "Claim",
    "Context",
    "Door",
    "MemorySeen",
    "Outcome",
    "PayDoor",
    "RedisSeen",
    "Request",
    "Router",
    "Seen",
    "SqlSeen",
    "Turn",
    "WeComDoor",
    "aanswer",
    "answer",
    "door_of",
]
