"""OAuth (身份验证): codes that a page gets from its visitor, good for one call within five minutes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define

from ..platform import Json, Request
from .errors import refusal
from .routing import router

if TYPE_CHECKING:  # see routing
    from .state import WeComPlatform

CODE_LIFE = 300
TICKET_LIFE = 1800


@define
class Visit:
    """Somebody has opened a page of the company."""

    who: str
    expires: float
    private: bool
    used: bool = False


class OAuth:
    """Codes and tickets that were handed out."""

    def __init__(self, wecom: WeComPlatform) -> None:
        self._wecom = wecom
        self.codes: dict[str, Visit] = {}
        self.tickets: dict[str, Visit] = {}

    def code(self, who: str, *, private: bool) -> str:
        """The code of one visit."""
        code = self._wecom.new_id("code")
        self.codes[code] = Visit(who, self._wecom.world.clock.time() + CODE_LIFE, private)
        return code

    def ticket(self, visit: Visit) -> str:
        """A user_ticket for who consented."""
        ticket = self._wecom.new_id("ticket")
        self.tickets[ticket] = Visit(visit.who, self._wecom.world.clock.time() + TICKET_LIFE, private=True)
        return ticket


@router.on("GET", "/cgi-bin/auth/getuserinfo")
def getuserinfo(wecom: WeComPlatform, request: Request) -> Json:
    """获取访问用户身份: 40029 for no code of ours, 42003 after five minutes, 42022 the second time."""
    visit = wecom.oauth.codes.get(wecom.query(request).text("code"))
    if visit is None:
        raise refusal(40029)
    if visit.used or wecom.world.clock.time() >= visit.expires:
        raise refusal(42022 if visit.used else 42003)
    visit.used = True
    if visit.who in wecom.world.members:
        ticket = {"user_ticket": wecom.oauth.ticket(visit)} if visit.private else {}
        return {"userid": visit.who, **ticket}
    person = wecom.world.customers.get(visit.who)
    openid = wecom.world.dice.token(28, "corp openid", visit.who)
    return {"openid": openid, "external_userid": visit.who} if person else {"openid": openid}


@router.on("POST", "/cgi-bin/auth/getuserdetail")
def getuserdetail(wecom: WeComPlatform, request: Request) -> Json:
    """获取访问用户敏感信息."""
    visit = wecom.oauth.tickets.get(wecom.body(request).text("user_ticket"))
    if visit is None:
        raise refusal(84015)
    if wecom.world.clock.time() >= visit.expires:
        raise refusal(84014)
    place = list(wecom.world.members).index(visit.who) if visit.who in wecom.world.members else 0
    return {
        "userid": visit.who,
        "gender": "0",
        "avatar": f"https://wework.qpic.cn/sandbox/{visit.who}/0",
        "qr_code": f"https://open.work.weixin.qq.com/wwopen/userQRCode?vcode=sandbox{place}",
        "mobile": f"138{place:08d}",
    }
