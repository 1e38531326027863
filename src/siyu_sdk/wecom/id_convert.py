"""One thing, several ids (ID转换): of WeChat, of the company, of a service provider."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from ..core.call import Call
from ..core.endpoint import GET, POST
from ..core.model import MaxItems, NotEmpty, OpenIntEnum, Reply, Secret, Timestamp, WireModel
from .resource import M, WeComResource


class SubjectType(OpenIntEnum):
    """Whose mini-program or official account the openid belongs to (主体类型)."""

    CORP = 0
    """The company's."""
    PROVIDER = 1
    """The service provider's."""


class BusinessType(OpenIntEnum):
    """Where a temporary id comes from (业务类型)."""

    MEETING = 1
    COLLECTION_FORM = 2
    SMART_SHEET = 3


class UserType(OpenIntEnum):
    """What a person is to the company (目标用户类型)."""

    CUSTOMER = 1
    CORP_GROUP = 2
    """A member of a linked company (企业互联)."""
    SUPPLY_CHAIN = 3
    """A member of an upstream or downstream company (上下游)."""
    LINKED_CORP = 4
    """A member of a company of one's circle (互联企业)."""


class ConvertedUnionid(Reply):
    """Who a WeChat user is to the company: a customer has `external_userid`, anybody else `pending_id`."""

    external_userid: str | None = None
    pending_id: str | None = None
    """Lives 90 days: `to_pending_id` gives the same one once the person is a customer, which tells who it was."""


class PendingId(WireModel):
    """A customer's pending id."""

    external_userid: str
    pending_id: str


class PendingIds(Reply):
    """Pending ids. Customers who never had one are left out."""

    result: tuple[PendingId, ...] = ()


class ConvertedTag(WireModel):
    """A tag's two ids."""

    external_tagid: str
    open_external_tagid: str


class ConvertedTags(Reply):
    """Tags of customers with the ids that a service provider sees."""

    items: tuple[ConvertedTag, ...] = ()
    invalid_external_tagid_list: tuple[str, ...] = ()


class ConvertedKf(WireModel):
    """A customer-service account's two ids."""

    open_kfid: str
    new_open_kfid: str


class ConvertedKfs(Reply):
    """Customer-service accounts with the ids that a service provider sees."""

    items: tuple[ConvertedKf, ...] = ()
    invalid_open_kfid_list: tuple[str, ...] = ()


class ConvertedTemporary(WireModel):
    """Who a temporary id is: a customer has `external_userid`, a member of another company `corpid` and `userid`."""

    tmp_external_userid: str
    external_userid: str | None = None
    corpid: str | None = None
    userid: str | None = None


class ConvertedTemporaries(Reply):
    """Who the temporary ids are."""

    results: tuple[ConvertedTemporary, ...] = ()
    invalid_tmp_external_userid_list: tuple[str, ...] = ()


class ConvertedChat(WireModel):
    """A group's id before and after the upgrade."""

    chat_id: str
    new_chat_id: str


class ConvertedChats(Reply):
    """Groups with their new ids."""

    items: tuple[ConvertedChat, ...] = ()
    invalid_chat_id_list: tuple[str, ...] = ()


class IdConvert(WeComResource[M]):
    """One thing, several ids (ID转换). Ids that cannot be converted are named in the reply; no error is raised for them."""

    @POST("/cgi-bin/idconvert/unionid_to_external_userid", docs=95926, idempotent=True)
    def unionid_to_external_userid(
        self,
        unionid: Annotated[str, NotEmpty],
        openid: Annotated[str, NotEmpty],
        *,
        subject_type: SubjectType = SubjectType.CORP,
        mass_call_ticket: Secret | None = None,
    ) -> Call[ConvertedUnionid]:
        """Find out who a visitor of your mini-program or official account is to the company (unionid转换为第三方external_userid).

        Both ids have to come from the same login, and the account has to belong to the company (or, with `SubjectType.PROVIDER`, to the
        service provider): PermissionDenied (610015, 610016, 610017), InvalidArgument (610014, 610018). Somebody who is no
        customer yet gets a `pending_id`. 100,000 calls an hour, 480,000 a day, 7.5 million a month; a `mass_call_ticket`
        (`tokens.apply_mass_call_ticket`) lifts these.
        """
        ...

    @POST("/cgi-bin/idconvert/batch/external_userid_to_pending_id", docs=95926, idempotent=True)
    def to_pending_id(
        self, external_userid: Annotated[Sequence[str], NotEmpty, MaxItems(100)], *, chat_id: str | None = None
    ) -> Call[PendingIds]:
        """Look up which pending ids up to 100 customers once had (external_userid查询pending_id).

        Works for 90 days after `unionid_to_external_userid`. With `chat_id` people in that group count, the others are passed over.
        """
        ...

    @POST("/cgi-bin/idconvert/external_tagid", docs=96169, idempotent=True)
    def external_tagid(self, external_tagid_list: Annotated[Sequence[str], NotEmpty, MaxItems(1000)]) -> Call[ConvertedTags]:
        """Turn up to 1,000 tag ids of the company into those that a service provider sees (客户标签ID的转换)."""
        ...

    @POST("/cgi-bin/idconvert/open_kfid", docs=97064, idempotent=True)
    def open_kfid(self, open_kfid_list: Annotated[Sequence[str], NotEmpty, MaxItems(1000)]) -> Call[ConvertedKfs]:
        """Turn up to 1,000 customer-service ids of the company into those that a service provider sees (微信客服ID的转换)."""
        ...

    @POST("/cgi-bin/idconvert/convert_tmp_external_userid", docs=98729, idempotent=True)
    def tmp_external_userid(
        self,
        tmp_external_userid_list: Annotated[Sequence[str], NotEmpty, MaxItems(100)],
        *,
        business_type: BusinessType,
        user_type: UserType,
    ) -> Call[ConvertedTemporaries]:
        """Find out who up to 100 temporary ids of meetings and forms are (tmp_external_userid的转换)."""
        ...

    @POST("/cgi-bin/idconvert/apply_to_upgrade_chatid", docs=99601)
    def apply_to_upgrade_chatid(self, upgrade_time: Timestamp) -> Call[Reply]:
        """Announce when an app that a provider develops sees new group ids alone, within 7 days (申请群ID的升级).

        Until then both old and new ids are taken.
        """
        ...

    @POST("/cgi-bin/idconvert/chatid", docs=99601, idempotent=True)
    def chatid(self, chat_id_list: Annotated[Sequence[str], NotEmpty, MaxItems(100)]) -> Call[ConvertedChats]:
        """Look up the new ids of up to 100 groups (群ID的转换). An id that is new already comes back as it is.

        Only between `apply_to_upgrade_chatid` and the time that it announced.
        """
        ...

    @GET("/cgi-bin/idconvert/upgrade_chatid_for_new_corp", docs=99601, auth="suite_access_token")
    def upgrade_chatid_for_new_corp(self) -> Call[Reply]:
        """Let companies that authorise the suite from now on have new group ids from the start (对所有新授权企业升级群ID)."""
        ...
