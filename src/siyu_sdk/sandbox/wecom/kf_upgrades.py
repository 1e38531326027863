"""Upgrades of customer service (「升级服务」): a member or a group that a customer is offered for the long run.

Simulated: the console's choice of members, departments and groups; offers within 48 hours of the customer's last word; the member who has
the session and passes the offer on, the customer who takes it (hands in people.py). Not simulated: what the offer looks like in the client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import define, field

from ..platform import Fields, Json, Request
from ..world import Delivery
from .errors import refusal
from .routing import members_of, router

if TYPE_CHECKING:  # see routing; a session holds no offers, but offers need one
    from .kf import Session
    from .state import WeComPlatform

_PATH = "/cgi-bin/kf/customer"
TO_MEMBER, TO_GROUP = 1, 2


@define
class Offer:
    """A member (`kind` 1) or a group (2) for one customer."""

    open_kfid: str
    external_userid: str
    kind: int
    target: str
    wording: str
    recommended: list[tuple[float, str]] = field(factory=list[tuple[float, str]])
    """When which member passed it on."""
    accepted: float | None = None


class Upgrades:
    """What the console allows, and all offers."""

    def __init__(self, wecom: WeComPlatform) -> None:
        self._wecom = wecom
        self._world = wecom.world
        self.members: list[str] = []
        self.departments: list[int] = []
        self.chats: list[str] = []
        self.dedicated: set[str] = set()
        """Customers for whom the console has set a service of their own (95015)."""
        self.standing: dict[tuple[str, str], Offer] = {}
        self.offers: list[Offer] = []
        """All that ever were."""

    def plant(self, members: list[str]) -> None:
        """These members, and their groups."""
        self.members = members
        self.chats = [group.chat_id for group in self._wecom.chats.living() if group.owner in members]

    def offer(self, open_kfid: str, external_userid: str, kind: int, target: str, wording: str) -> None:
        """One offer at a time stands for a customer. 95031 after 48 hours, 95015 and 95021 where the console says otherwise."""
        if not self._wecom.kf.open(self._wecom.kf.session(open_kfid, external_userid)):
            raise refusal(95031)
        if external_userid in self.dedicated:
            raise refusal(95015)
        living = {group.chat_id for group in self._wecom.chats.living()} & set(self.chats)
        members = {userid for userid in members_of(self._wecom, self.members, self.departments) if userid in self._world.members}
        if target not in (living if kind == TO_GROUP else members):
            raise refusal(95021, target)
        offer = Offer(open_kfid, external_userid, kind, target, wording)
        self.standing[open_kfid, external_userid] = offer
        self.offers.append(offer)

    def recommend(self, session: Session, open_kfid: str, external_userid: str, userid: str) -> None:
        """The member passes the standing offer on. LookupError where there is none, or somebody else has the session."""
        offer = self.standing.get((open_kfid, external_userid))
        if offer is None or session.servicer != userid:
            raise LookupError(f"{userid} has nothing to offer {external_userid}")
        now = self._world.clock.time()
        offer.recommended.append((now, userid))
        kind, part = ("business_card", "userid") if offer.kind == TO_MEMBER else ("groupchat", "chat_id")
        card: Json = {"msgtype": kind, kind: {part: offer.target}}
        msgid = self._wecom.new_id("kfmsg")
        self._world.inboxes[external_userid].append(Delivery(msgid, external_userid, open_kfid, "kf_offer", offer.wording, (card,), now))

    def recommended(self, open_kfid: str, external_userid: str) -> Offer:
        """The standing offer that a member has passed on. LookupError where there is none."""
        offer = self.standing.get((open_kfid, external_userid))
        if offer is None or not offer.recommended:
            raise LookupError(f"nothing was recommended to {external_userid}")
        return offer

    def accept(self, offer: Offer) -> None:
        """The customer has taken it: it stands no longer."""
        offer.accepted = self._world.clock.time()
        del self.standing[offer.open_kfid, offer.external_userid]

    def summary(self) -> Json:
        """The counts as JSON values."""
        return {
            "made": len(self.offers),
            "recommended": sum(bool(offer.recommended) for offer in self.offers),
            "accepted": sum(offer.accepted is not None for offer in self.offers),
        }


@router.on("GET", _PATH + "/get_upgrade_service_config")
def get_upgrade_service_config(wecom: WeComPlatform, _request: Request) -> Json:
    """获取配置的专员与客户群."""
    upgrades = wecom.kf.upgrades
    return {
        "member_range": {"userid_list": upgrades.members, "department_id_list": upgrades.departments},
        "groupchat_range": {"chat_id_list": upgrades.chats},
    }


@router.on("POST", _PATH + "/upgrade_service")
def upgrade_service(wecom: WeComPlatform, request: Request) -> Json:
    """为客户升级为专员或客户群服务: the member who serves the customer is shown it."""
    body = wecom.body(request)
    open_kfid, who = _pair(wecom, body)
    kind = body.number("type")
    if kind not in (TO_MEMBER, TO_GROUP):
        raise refusal(40058, "type")
    name, target = ("member", "userid") if kind == TO_MEMBER else ("groupchat", "chat_id")
    part = body.object(name)
    if part is None:
        raise refusal(40063, name)
    wecom.kf.upgrades.offer(open_kfid, who, kind, part.text(target), part.text_or("wording"))
    return {}


@router.on("POST", _PATH + "/cancel_upgrade_service")
def cancel_upgrade_service(wecom: WeComPlatform, request: Request) -> Json:
    """为客户取消推荐: where there is none, too."""
    wecom.kf.upgrades.standing.pop(_pair(wecom, wecom.body(request)), None)
    return {}


def _pair(wecom: WeComPlatform, body: Fields) -> tuple[str, str]:
    account, who = wecom.kf.account(body.text("open_kfid")), body.text("external_userid")
    if who not in wecom.world.customers:
        raise refusal(40096, "external_userid")
    return account.open_kfid, who
