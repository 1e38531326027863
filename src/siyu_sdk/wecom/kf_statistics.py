"""Figures of customer service (统计管理), day by day."""

from __future__ import annotations

from ..core.call import Call
from ..core.endpoint import POST
from ..core.model import Reply, Timestamp, WireModel
from .common import within
from .resource import M, WeComResource


class KfCorpStatistic(WireModel):
    """The figures of a day; shares are 0 to 1 (企业汇总数据). What has no base that day is left out."""

    session_cnt: int | None = None
    customer_cnt: int | None = None
    customer_msg_cnt: int | None = None
    upgrade_service_customer_cnt: int | None = None
    msg_rejected_customer_cnt: int | None = None
    """Customers who refuse messages."""
    ai_session_reply_cnt: int | None = None
    ai_transfer_rate: float | None = None
    """Of what the robot answered, how much went on to a member."""
    ai_knowledge_hit_rate: float | None = None


class KfCorpDay(WireModel):
    """One day."""

    stat_time: Timestamp
    """Midnight in China."""
    statistic: KfCorpStatistic | None = None
    """None for a day on which nothing happened, and until the figures are there (about 6 in the next morning)."""


class KfCorpStatistics(Reply):
    """The company's days."""

    statistic_list: tuple[KfCorpDay, ...] = ()


class KfServicerStatistic(WireModel):
    """The figures of a day; shares are 0 to 1 (接待人员明细数据). What has no base that day is left out."""

    session_cnt: int | None = None
    customer_cnt: int | None = None
    customer_msg_cnt: int | None = None
    reply_rate: float | None = None
    first_reply_average_sec: float | None = None
    """Seconds."""
    satisfaction_investgate_cnt: int | None = None
    """How many were asked (the platform's spelling)."""
    satisfaction_participation_rate: float | None = None
    satisfied_rate: float | None = None
    middling_rate: float | None = None
    dissatisfied_rate: float | None = None
    upgrade_service_customer_cnt: int | None = None
    upgrade_service_member_invite_cnt: int | None = None
    upgrade_service_member_customer_cnt: int | None = None
    upgrade_service_groupchat_invite_cnt: int | None = None
    upgrade_service_groupchat_customer_cnt: int | None = None
    msg_rejected_customer_cnt: int | None = None


class KfServicerDay(WireModel):
    """One day."""

    stat_time: Timestamp
    """Midnight in China."""
    statistic: KfServicerStatistic | None = None
    """None for a day on which nothing happened, and until the figures are there (about 6 in the next morning)."""


class KfServicerStatistics(Reply):
    """The members' days."""

    statistic_list: tuple[KfServicerDay, ...] = ()


class KfStatistics(WeComResource[M]):
    """Figures of customer service (统计管理). Yesterday is the latest day there is, 180 days ago the earliest."""

    @POST("/cgi-bin/kf/get_corp_statistic", docs=95489, idempotent=True, check=within(31))
    def corp(self, *, start_time: Timestamp, end_time: Timestamp, open_kfid: str | None = None) -> Call[KfCorpStatistics]:
        """Count what came in, day by day, for all accounts or one (获取「客户数据统计」企业汇总数据).

        Both ends are days: the platform cuts the time of day off. Up to 31 days in a call.
        """
        ...

    @POST("/cgi-bin/kf/get_servicer_statistic", docs=95490, idempotent=True, check=within(31))
    def servicer(
        self, *, start_time: Timestamp, end_time: Timestamp, open_kfid: str | None = None, servicer_userid: str | None = None
    ) -> Call[KfServicerStatistics]:
        """Count what members answered, day by day, together or of one member (获取「客户数据统计」接待人员明细数据).

        Both ends are days: the platform cuts the time of day off. Up to 31 days in a call.
        """
        ...
