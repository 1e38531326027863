"""Messages and events of customer service: what customers, members and the system say.

A message is one model in the platform's own shape: `msgtype` names the attribute that is filled. `message.content` is that attribute:

    match message.content:
        case Text(content=words): …
        case EnterSession(welcome_code=str(code)): …
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self, TypeAlias, cast

from pydantic import Field, GetCoreSchemaHandler, ValidationInfo, model_validator
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from ..core.model import OUTGOING, Flag, Int64, MaxBytes, MaxItems, NotEmpty, OpenIntEnum, OpenStrEnum, Reply, Timestamp, WireModel, decode
from .kf import KfChannels, StopType
from .messages import Content, Envelope, File, Image, KfMiniProgramPage, Other, ShortText, Text, UploadedImage, Video, Voice
from .paging import HasMoreReply

# Content, beside that of other messages


class ReceivedText(Text):
    """Text that a customer sent (文本)."""

    menu_id: str | None = None
    """Where the customer has chosen from a menu: the `id` of the item, as sent."""


class KfLinkCard(Content):
    """A card that opens a page (图文链接): its cover is an uploaded file, unlike that of a `Link`.

    Longer texts are cut silently: title 128, description 512 bytes.
    """

    msgtype = "link"
    needs = ("thumb_media_id",)

    title: str
    url: Annotated[str, MaxBytes(2048)]
    desc: str | None = None
    thumb_media_id: str | None = None
    """The cover, from `media.upload`. Needed for sending."""
    pic_url: str | None = None
    """The cover of a card that was received."""


class Location(Content):
    """A place (地理位置)."""

    msgtype = "location"

    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None


class BusinessCard(Content):
    """A member's card (名片)."""

    msgtype = "business_card"

    userid: str


class AcquisitionCard(Content):
    """An acquisition link (获客链接)."""

    msgtype = "ca_link"

    link_url: str


class MenuItemType(OpenStrEnum):
    """What an item of a menu does (菜单类型)."""

    CLICK = "click"
    VIEW = "view"
    MINIPROGRAM = "miniprogram"
    TEXT = "text"


class MenuClick(WireModel):
    """An item that answers for the customer (回复菜单): it comes back as a text with this `id` as its `menu_id`."""

    content: Annotated[str, NotEmpty, MaxBytes(128)]
    id: Annotated[str, NotEmpty, MaxBytes(128)] | None = None


class MenuView(WireModel):
    """An item that opens a page (超链接菜单)."""

    url: Annotated[str, NotEmpty, MaxBytes(2048)]
    content: Annotated[str, NotEmpty, MaxBytes(1024)]


class MenuMiniProgram(WireModel):
    """An item that opens a page of a mini-program (小程序菜单)."""

    appid: Annotated[str, NotEmpty, MaxBytes(32)]
    pagepath: Annotated[str, NotEmpty, MaxBytes(1024)]
    content: Annotated[str, NotEmpty, MaxBytes(1024)]


class MenuText(WireModel):
    """Plain text between the items (文本)."""

    content: Annotated[str, NotEmpty, MaxBytes(256)]
    no_newline: Flag | None = None
    """True: what follows stands in the same line."""


class MenuItem(WireModel):
    """An item of a menu; `type` says which of the four is filled (菜单项)."""

    type: MenuItemType
    click: MenuClick | None = None
    view: MenuView | None = None
    miniprogram: MenuMiniProgram | None = None
    text: MenuText | None = None

    @model_validator(mode="after")
    def _filled(self, info: ValidationInfo) -> Self:
        if info.context == OUTGOING and self.type.is_known and getattr(self, self.type.value) is None:
            raise PydanticCustomError("missing", "type is {type}, but there is no {type}", {"type": self.type.value})
        return self


class Menu(Content):
    """A text with a menu of up to 10 items (菜单消息)."""

    msgtype = "msgmenu"

    head_content: Annotated[str, MaxBytes(1024)] | None = None
    list: Annotated[tuple[MenuItem, ...], MaxItems(10)] = ()
    tail_content: Annotated[str, MaxBytes(1024)] | None = None


class Channels(Content):
    """A post, a live room or the card of a video account (视频号消息)."""

    msgtype = "channels"

    sub_type: int | None = None
    """1 a post, 2 a live room, 3 a card."""
    nickname: str | None = None
    title: str | None = None


class ShopProduct(Content):
    """A product of a WeChat store (视频号商品消息)."""

    msgtype = "channels_shop_product"

    product_id: str
    head_img: str | None = None
    title: str | None = None
    sales_price: Int64 | None = None
    """Fen."""
    shop_nickname: str | None = None
    shop_head_img: str | None = None


class ShopOrder(Content):
    """An order of a WeChat store (视频号订单消息)."""

    msgtype = "channels_shop_order"

    order_id: str
    product_titles: str | None = None
    price_wording: str | None = None
    state: str | None = None
    image_url: str | None = None
    shop_nickname: str | None = None


class MergedItem(WireModel):
    """One of the messages that a customer passed on (聊天记录)."""

    send_time: Timestamp | None = None
    msgtype: str
    sender_name: str | None = None
    msg_content: str = "{}"
    """The message as JSON text."""

    @property
    def message(self) -> ReceivedMessage:
        """The message, read.

        Raises:
            DecodeError: `msg_content` is no message.
        """
        return cast("ReceivedMessage", decode(ReceivedMessage, self.msg_content.encode(), "merged_msg"))


class MergedMessages(Content):
    """Messages that a customer passed on together (聊天记录消息)."""

    msgtype = "merged_msg"

    title: str | None = None
    item: tuple[MergedItem, ...] = ()


# Events


class KfEvent(WireModel):
    """Something that happened in a conversation; of this very class where the `event_type` is new to the SDK (事件消息)."""

    event_type: str
    open_kfid: str | None = None
    external_userid: str | None = None


class EnterSession(KfEvent):
    """A customer opens the conversation (用户进入会话事件)."""

    scene: str | None = None
    """As given to `kf_accounts.contact_link`."""
    scene_param: str | None = None
    welcome_code: str | None = Field(None, repr=False)
    """For one message by `send_on_event` within 20 seconds; only where the customer has not written for 48 hours and got no welcome."""
    wechat_channels: KfChannels | None = None


class FailType(OpenIntEnum):
    """Why a message was not delivered (发送失败类型)."""

    UNKNOWN = 0
    ACCOUNT_DELETED = 1
    APP_CLOSED = 2
    WINDOW_CLOSED = 4
    """The customer's last message is more than 48 hours old."""
    SESSION_CLOSED = 5
    OVER_LIMIT = 6
    """More than 5 messages since the customer's last one."""
    NO_CHANNELS = 7
    """No video account is bound."""
    NOT_VERIFIED = 8
    NO_CHANNELS_NOT_VERIFIED = 9
    REFUSED = 10
    """The customer refuses messages."""


class MsgSendFail(KfEvent):
    """A message that was accepted was not delivered (消息发送失败事件)."""

    fail_msgid: str | None = None
    fail_type: FailType | None = None


class ServicerState(OpenIntEnum):
    """Whether a member takes conversations, as an event tells it: other numbers than `ServicerStatus` (接待状态)."""

    SERVING = 1
    STOPPED = 2


class ServicerStatusChange(KfEvent):
    """A member starts or stops to serve (接待人员接待状态变更事件)."""

    servicer_userid: str | None = None
    status: ServicerState | None = None
    stop_type: StopType | None = None


class SessionChange(OpenIntEnum):
    """What happened to a session (变更类型)."""

    TAKEN = 1
    """Out of the queue."""
    TRANSFERRED = 2
    ENDED = 3
    REOPENED = 4


class SessionStatusChange(KfEvent):
    """A member took, passed on, ended or reopened a session; what the API changes is not told (会话状态变更事件)."""

    change_type: SessionChange | None = None
    old_servicer_userid: str | None = None
    new_servicer_userid: str | None = None
    msg_code: str | None = Field(None, repr=False)
    """For one message by `send_on_event`: within 48 hours, or 20 seconds where the session ended."""


class UserRecall(KfEvent):
    """A customer took a message back (用户撤回消息事件)."""

    recall_msgid: str | None = None


class ServicerRecall(KfEvent):
    """A member took a message back (接待人员撤回消息事件)."""

    recall_msgid: str | None = None
    servicer_userid: str | None = None


class RejectSwitchChange(KfEvent):
    """A member blocks a customer, or does no longer (拒收客户消息变更事件)."""

    servicer_userid: str | None = None
    reject_switch: Flag | None = None


EVENTS: dict[str, type[KfEvent]] = {
    "enter_session": EnterSession,
    "msg_send_fail": MsgSendFail,
    "servicer_status_change": ServicerStatusChange,
    "session_status_change": SessionStatusChange,
    "user_recall_msg": UserRecall,
    "servicer_recall_msg": ServicerRecall,
    "reject_customer_msg_switch_change": RejectSwitchChange,
}


class _AsEvent:
    """Reads an event into the class of its `event_type`."""

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        kinds: dict[Any, CoreSchema] = {name: handler.generate_schema(kind) for name, kind in EVENTS.items()}
        kinds[""] = handler.generate_schema(KfEvent)

        def name(value: object) -> str:
            told = cast("Mapping[str, object]", value).get("event_type") if isinstance(value, Mapping) else getattr(value, "event_type", "")
            return told if isinstance(told, str) and told in kinds else ""

        return core_schema.tagged_union_schema(kinds, name)


# Messages


KfSendable: TypeAlias = Annotated[
    ShortText
    | UploadedImage
    | Voice
    | Video
    | File
    | KfLinkCard
    | KfMiniProgramPage
    | Menu
    | Location
    | BusinessCard
    | AcquisitionCard
    | Other,
    Envelope(spread=True),
]
"""What can be sent to a customer."""

KfAnswer: TypeAlias = Annotated[ShortText | Menu | Other, Envelope(spread=True)]
"""What can answer an event."""

KfContent: TypeAlias = (
    Text
    | Image
    | Voice
    | Video
    | File
    | KfLinkCard
    | KfMiniProgramPage
    | Location
    | BusinessCard
    | AcquisitionCard
    | Menu
    | Channels
    | ShopProduct
    | ShopOrder
    | MergedMessages
    | KfEvent
)
"""What a message that is read may hold."""


class Origin(OpenIntEnum):
    """Who speaks (消息来源)."""

    CUSTOMER = 3
    SYSTEM = 4
    SERVICER = 5


class ReceivedMessage(WireModel):
    """What a customer, a member or the system said; what the API sends is not told (消息)."""

    msgtype: str
    """Which attribute is filled. Some types (`note`, `meeting`, …) have no content; that of a type new to the SDK is in `model_extra`."""
    msgid: str | None = None
    """The same message may come twice: remember this."""
    open_kfid: str | None = None
    external_userid: str | None = None
    """An event has them inside."""
    send_time: Timestamp | None = None
    origin: Origin | None = None
    servicer_userid: str | None = None
    """Who speaks, where that is a member."""
    text: ReceivedText | None = None
    image: Image | None = None
    voice: Voice | None = None
    video: Video | None = None
    file: File | None = None
    location: Location | None = None
    link: KfLinkCard | None = None
    business_card: BusinessCard | None = None
    miniprogram: KfMiniProgramPage | None = None
    msgmenu: Menu | None = None
    ca_link: AcquisitionCard | None = None
    channels: Channels | None = None
    channels_shop_product: ShopProduct | None = None
    channels_shop_order: ShopOrder | None = None
    merged_msg: MergedMessages | None = None
    event: Annotated[KfEvent, _AsEvent()] | None = None

    @property
    def content(self) -> KfContent | None:
        """Give what `msgtype` names; None where that is nothing that the SDK types."""
        held = getattr(self, self.msgtype) if self.msgtype in type(self).model_fields else None
        return cast("KfContent", held) if isinstance(held, (Content, KfEvent)) else None


class ReceivedMessages(HasMoreReply):
    """A page of messages. Keep `next_cursor` once the page is worked off: it is where to go on, today or tomorrow."""

    msg_list: tuple[ReceivedMessage, ...] = ()

    def items(self) -> Sequence[ReceivedMessage]:
        """Give the messages of this page."""
        return self.msg_list


class SentReceipt(Reply):
    """A message that was accepted, not yet delivered: a failure comes as a `MsgSendFail` event."""

    msgid: str
