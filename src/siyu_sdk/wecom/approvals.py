"""Approvals that run in an app of your own (审批流程引擎)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ..core.call import Call
from ..core.endpoint import POST
from ..core.model import OpenIntEnum, Reply, Timestamp, WireModel
from .resource import M, WeComResource


class ApprovalStatus(OpenIntEnum):
    """What became of an approval (审批单状态)."""

    PENDING = 1
    APPROVED = 2
    REJECTED = 3
    CANCELLED = 4


class StepStatus(OpenIntEnum):
    """What became of one step, or of one person's part in it (审批操作状态)."""

    PENDING = 1
    APPROVED = 2
    REJECTED = 3
    PASSED_ON = 4


class StepRule(OpenIntEnum):
    """How many of a step's people have to agree (审批方式)."""

    ANY = 1
    ALL = 2


class StepKind(OpenIntEnum):
    """Who a step's people are (节点类型)."""

    MEMBERS = 1
    TAG = 2
    SUPERIOR = 3


class Person(WireModel):
    """A member who is told of an approval (抄送人)."""

    user_id: str = Field("", alias="ItemUserId")
    name: str = Field("", alias="ItemName")
    party: str = Field("", alias="ItemParty")
    image: str = Field("", alias="ItemImage")


class Approver(Person):
    """A member who decides (审批人)."""

    status: StepStatus | None = Field(None, alias="ItemStatus")
    speech: str | None = Field(None, alias="ItemSpeech")
    op_time: Timestamp | None = Field(None, alias="ItemOpTime")
    """1970 where nothing was decided yet: the platform sends 0."""


class Approvers(WireModel):
    """The members of a step."""

    item: tuple[Approver, ...] = Field((), alias="Item")


class ApprovalStep(WireModel):
    """A step of an approval (审批流程节点)."""

    status: StepStatus | None = Field(None, alias="NodeStatus")
    attr: StepRule | None = Field(None, alias="NodeAttr")
    type: StepKind | None = Field(None, alias="NodeType")
    items: Approvers | None = Field(None, alias="Items")


class ApprovalSteps(WireModel):
    """The steps of an approval."""

    approval_node: tuple[ApprovalStep, ...] = Field((), alias="ApprovalNode")


class Notified(WireModel):
    """Who is told."""

    notify_node: tuple[Person, ...] = Field((), alias="NotifyNode")


class Approval(WireModel):
    """An approval (审批单)."""

    third_no: Annotated[str, Field(alias="ThirdNo", coerce_numbers_to_str=True)]
    """The number that your app gave it."""
    open_template_id: str | None = Field(None, alias="OpenTemplateId")
    open_sp_name: str | None = Field(None, alias="OpenSpName")
    open_sp_status: ApprovalStatus | None = Field(None, alias="OpenSpstatus")
    apply_time: Timestamp | None = Field(None, alias="ApplyTime")
    apply_user_id: str | None = Field(None, alias="ApplyUserId")
    apply_username: str | None = Field(None, alias="ApplyUsername")
    apply_user_party: str | None = Field(None, alias="ApplyUserParty")
    apply_user_image: str | None = Field(None, alias="ApplyUserImage")
    approval_nodes: ApprovalSteps | None = Field(None, alias="ApprovalNodes")
    notify_nodes: Notified | None = Field(None, alias="NotifyNodes")
    approver_step: int | None = Field(None, alias="ApproverStep")
    """The present step, counted from 0."""


class ApprovalDetail(Reply):
    """One approval."""

    data: Approval


class Approvals(WeComResource[M]):
    """Approvals that run in an app of your own (审批流程引擎)."""

    @POST("/cgi-bin/corp/getopenapprovaldata", docs=90269, idempotent=True)
    def get(self, third_no: Annotated[str, Field(alias="thirdNo")]) -> Call[ApprovalDetail]:
        """Fetch an approval with all its steps, by the number that your app gave it (查询自建应用审批单当前状态)."""
        ...
