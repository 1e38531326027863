"""Mass messages to an audience, once: plan, apply, resume, remind, report (企业群发)."""

from __future__ import annotations

from datetime import datetime

from .audience import Audience
from .campaign import Campaign, Guards, Message, Step
from .campaigns import Campaigns, plan_campaign
from .core.call import Flow
from .core.endpoint import M, flow
from .plan import Plan
from .planning import Sender


class Broadcast(Campaigns[M]):
    """One message to an audience, each customer from one member."""

    @flow
    def plan(
        self,
        name: str,
        audience: Audience,
        message: Message,
        *,
        sender: Sender = "first",
        start: datetime | None = None,
        guards: Guards | None = None,
    ) -> Flow[Plan]:
        """Work out who gets the message from whom; nothing is sent.

        `sender` is the member who added the customer `first` or `latest`, or a mapping external_userid → userid. `start` (aware) is
        when it may begin. Guards are on unless you say otherwise: nothing between 21:00 and 9:00, one message a day and six a month
        for each customer, over all campaigns.
        """
        campaign = Campaign(name, (Step("message", message=message),), kind="broadcast", guards=guards or Guards())
        return (yield from plan_campaign(self, campaign, audience, sender, start))
