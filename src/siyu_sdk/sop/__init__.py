"""SOPs: campaigns of several steps at day offsets, with conditions, and the durable engine under all bulk sends."""

from __future__ import annotations

from datetime import datetime

from ..audience import Audience
from ..campaign import Campaign, Condition, Coupon, Guards, Message, Step
from ..campaigns import Campaigns, Run, plan_campaign
from ..core.call import Flow
from ..core.endpoint import M, flow
from ..plan import Plan
from ..planning import Sender


class Sops(Campaigns[M]):
    """Steps at day offsets, for an audience that is fixed when the plan is applied."""

    @flow
    def plan(self, campaign: Campaign, audience: Audience, *, sender: Sender = "first", start: datetime | None = None) -> Flow[Plan]:
        """Work out every step for everybody; nothing is sent. `start` (aware) is day 0.

        A campaign is immutable once applied: change it by giving it the next `version`, which is a campaign of its own.
        """
        return (yield from plan_campaign(self, campaign, audience, sender, start))


__all__ = ["Campaign", "Condition", "Coupon", "Guards", "Message", "Run", "Sops", "Step"]
