"""Ids of customers (外部联系人ID转换): the same person has another id for the company, for each provider, and for each WeChat account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from ..core.call import Call
from ..core.endpoint import POST
from ..core.model import MaxItems, NotEmpty, Reply, WireModel
from .resource import M, WeComResource


class ExternalUserid(Reply):
    """A customer's id."""

    external_userid: str


class CustomerOpenid(Reply):
    """A customer's openid."""

    openid: str


class NewExternalUserid(WireModel):
    """A customer's old id, and the new one."""

    external_userid: str
    new_external_userid: str


class NewExternalUserids(Reply):
    """The ids that could be converted; others are left out."""

    items: tuple[NewExternalUserid, ...] = ()


class ExternalIds(WeComResource[M]):
    """Ids of customers (外部联系人ID转换). Store an id together with whose it is: nothing in it tells."""

    @POST("/cgi-bin/externalcontact/unionid_to_external_userid", docs=93274, idempotent=True)
    def from_unionid(self, unionid: str) -> Call[ExternalUserid]:
        """Find the customer with this unionid (unionid转换为external_userid). For third-party apps.

        The older form: `/cgi-bin/idconvert/unionid_to_external_userid` knows the openid as well, and people who are no customers yet.
        Raises NotFound (84061) where nobody of the company has them as a customer.
        """
        ...

    @POST("/cgi-bin/externalcontact/convert_to_openid", docs=92323, idempotent=True)
    def to_openid(self, external_userid: str) -> Call[CustomerOpenid]:
        """Give the openid of a customer who uses WeChat, for payments of the company (外部联系人openid转换).

        It belongs to the appid that the company's payments use, **not** to your mini-program, and is not that of members
        (`/cgi-bin/user/convert_to_openid`).
        """
        ...

    @POST("/cgi-bin/externalcontact/to_service_external_userid", docs=95195, idempotent=True)
    def to_service(self, external_userid: str) -> Call[ExternalUserid]:
        """Turn the company's id of a customer into the provider's (代开发应用external_userid转换). For apps that a provider develops.

        Raises InvalidArgument (40096) for an id that is the provider's already, NotFound (84061) where there is no relation.
        """
        ...

    @POST("/cgi-bin/externalcontact/from_service_external_userid", docs=95884, idempotent=True)
    def from_service(self, external_userid: str, *, source_agentid: int) -> Call[ExternalUserid]:
        """Turn a provider's id of a customer into the company's (external_userid转换). For apps of the company itself.

        `source_agentid` is the third-party or custom-developed app that the id comes from; the company must have it installed.
        """
        ...

    @POST("/cgi-bin/externalcontact/get_new_external_userid", docs=95327, idempotent=True)
    def new(self, external_userid_list: Annotated[Sequence[str], NotEmpty, MaxItems(1000)]) -> Call[NewExternalUserids]:
        """Turn up to 1,000 old ids into those of the provider, when a third-party app moves over (转换external_userid).

        An id that is new already comes back as it is. The page advises 200 a call.
        """
        ...

    @POST("/cgi-bin/externalcontact/groupchat/get_new_external_userid", docs=95327, idempotent=True)
    def new_in_group(
        self, chat_id: str, external_userid_list: Annotated[Sequence[str], NotEmpty, MaxItems(1000)]
    ) -> Call[NewExternalUserids]:
        """Do the same for people in a group who are nobody's customers (转换客户群成员external_userid). Up to 1,000."""
        ...
