"""An api.weixin.qq.com of our own, with stable tokens that behave like the platform's: for mini-program and store alike."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from attrs import define, field

from .loopback import Seen

SECRET = "sandbox-secret-0123456789abcdef"
TOKENS = "/cgi-bin/stable_token"


@define
class Weixin:
    """Tokens and answers; `answers` gives the reply of each path."""

    url: str = ""
    token: str = "token-1"
    renewals: int = 0
    received: list[Seen] = field(factory=list)
    answers: dict[str, Callable[[Seen], Any]] = field(factory=dict)
    refuse: set[str] = field(factory=set)
    """Tokens that are refused, current or not."""
    code: int = 40001
    lock: Any = field(factory=threading.Lock)

    def renew(self) -> str:
        self.renewals += 1
        self.token = f"token-{self.renewals + 1}"
        return self.token

    @property
    def token_requests(self) -> list[bool]:
        """Whether each fetch of a token was forced."""
        return [r.json["force_refresh"] for r in self.received if r.path == TOKENS]

    @property
    def calls(self) -> list[Seen]:
        return [r for r in self.received if r.path != TOKENS]

    def reply(self, seen: Seen) -> Any:
        with self.lock:
            self.received.append(seen)
            if seen.path == TOKENS:
                if seen.json["secret"] != SECRET:
                    return {"errcode": 40125, "errmsg": "invalid appsecret rid: 65aa-1"}
                if seen.json["force_refresh"]:
                    self.renew()
                return {"access_token": self.token, "expires_in": 7200}
            if "secret" not in seen.query and (seen.token != self.token or seen.token in self.refuse):
                return {"errcode": self.code, "errmsg": "invalid credential, access_token is invalid or not latest rid: 65aa-2"}
            return self.answers[seen.path](seen)
