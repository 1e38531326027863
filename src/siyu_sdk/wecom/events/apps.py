"""Events of apps and their menus (应用管理): what members press, and what administrators switch.

`from_user_name` is the member.
"""

from __future__ import annotations

from pydantic import Field

from ...core.model import XmlList
from .base import AppEvent, WeComEvent, XmlElement


class MenuEvent(AppEvent):
    """A member used the app's menu (菜单事件)."""

    event_key: str | None = Field(None, alias="EventKey")
    """The key that you gave the entry; for `MenuViewed` the address."""


class MenuClicked(MenuEvent, event="click"):
    """A member pressed an entry that sends a key (点击菜单拉取消息的事件推送)."""


class MenuViewed(MenuEvent, event="view"):
    """A member pressed an entry that opens a page (点击菜单跳转链接的事件推送)."""


class ScanCodeInfo(XmlElement):
    """What was scanned."""

    scan_type: str | None = Field(None, alias="ScanType")
    """`qrcode`, `barcode` …"""
    scan_result: str | None = Field(None, alias="ScanResult")


class MenuScanned(MenuEvent, event=("scancode_push", "scancode_waitmsg")):
    """A member scanned a code through the menu (扫码推事件的事件推送). With `scancode_waitmsg` the member waits for a reply."""

    scan_code_info: ScanCodeInfo | None = Field(None, alias="ScanCodeInfo")


class PictureHash(XmlElement):
    """One picture."""

    pic_md5_sum: str | None = Field(None, alias="PicMd5Sum")


class PictureHashes(XmlElement):
    """Several pictures."""

    items: XmlList[PictureHash] = Field((), alias="item")


class SendPicsInfo(XmlElement):
    """Which pictures are coming; they follow as messages."""

    count: int | None = Field(None, alias="Count")
    pic_list: PictureHashes | None = Field(None, alias="PicList")


class MenuPictures(MenuEvent, event=("pic_sysphoto", "pic_photo_or_album", "pic_weixin")):
    """A member took or chose pictures through the menu (弹出系统拍照发图的事件推送)."""

    send_pics_info: SendPicsInfo | None = Field(None, alias="SendPicsInfo")


class SendLocationInfo(XmlElement):
    """A place that was chosen."""

    location_x: float | None = Field(None, alias="Location_X")
    """Latitude."""
    location_y: float | None = Field(None, alias="Location_Y")
    """Longitude."""
    scale: int | None = Field(None, alias="Scale")
    label: str | None = Field(None, alias="Label")
    poiname: str | None = Field(None, alias="Poiname")


class MenuLocation(MenuEvent, event="location_select"):
    """A member chose a place through the menu (弹出地理位置选择器的事件推送)."""

    send_location_info: SendLocationInfo | None = Field(None, alias="SendLocationInfo")
    app_type: str | None = Field(None, alias="AppType")


class AppEntered(MenuEvent, event="enter_agent"):
    """A member opened the app (进入应用)."""


class AppLocation(AppEvent, event="LOCATION"):
    """Where a member is, told once in a visit where the member allows it (上报地理位置)."""

    latitude: float | None = Field(None, alias="Latitude")
    longitude: float | None = Field(None, alias="Longitude")
    precision: float | None = Field(None, alias="Precision")
    """Metres."""
    app_type: str | None = Field(None, alias="AppType")


class AppSubscribed(MenuEvent, event="subscribe"):
    """A member came into the range of the app, for instance by joining the company (成员关注事件)."""


class AppUnsubscribed(MenuEvent, event="unsubscribe"):
    """A member left the range of the app (成员取消关注事件)."""


class TaskCardClicked(MenuEvent, event="taskcard_click"):
    """A member pressed a button of a task card (任务卡片事件推送)."""

    task_id: str | None = Field(None, alias="TaskId")


class OptionIds(XmlElement):
    """Which options were chosen; the platform writes the element «Opiton»."""

    option_id: XmlList[str] = Field((), alias="OpitonId")


class SelectedItem(XmlElement):
    """One question and what was chosen."""

    question_key: str | None = Field(None, alias="QuestionKey")
    option_ids: OptionIds | None = Field(None, alias="OpitonIds")


class SelectedItems(XmlElement):
    """All questions of a card."""

    selected_item: XmlList[SelectedItem] = Field((), alias="SelectedItem")


class TemplateCardClicked(MenuEvent, event="template_card_event"):
    """A member pressed a button of a template card (模板卡片事件推送).

    Answer with a passive reply, or change the card with `response_code`: it works once, within 72 hours.
    """

    task_id: str | None = Field(None, alias="TaskId")
    card_type: str | None = Field(None, alias="CardType")
    response_code: str | None = Field(None, alias="ResponseCode", repr=False)
    selected_items: SelectedItems | None = Field(None, alias="SelectedItems")

    @property
    def answers(self) -> dict[str, tuple[str, ...]]:
        """What was chosen, by the key of the question."""
        items = self.selected_items.selected_item if self.selected_items else ()
        return {item.question_key or "": item.option_ids.option_id if item.option_ids else () for item in items}


class TemplateCardMenuClicked(MenuEvent, event="template_card_menu_event"):
    """A member used the menu in the corner of a template card (通用模板卡片右上角菜单事件推送)."""

    task_id: str | None = Field(None, alias="TaskId")
    card_type: str | None = Field(None, alias="CardType")
    response_code: str | None = Field(None, alias="ResponseCode", repr=False)


class WorkbenchModeSwitched(AppEvent, event="switch_workbench_mode"):
    """An administrator switched how the app looks in the workbench (自定义工作台模式变更通知)."""

    mode: int | None = Field(None, alias="Mode")
    """1 shown with your data, 0 as a plain entry."""


class InactiveAppClosed(AppEvent, event="close_inactive_agent"):
    """The platform put an app to sleep that nobody used for long (长期未使用应用停用预警事件)."""


class InactiveAppReopened(AppEvent, event="reopen_inactive_agent"):
    """An administrator woke an app that was put to sleep (长期未使用应用重新启用事件)."""


class AppAdminChanged(AppEvent, event="change_app_admin"):
    """The app has other administrators, or they have other rights: read them anew (应用管理员变更通知)."""


class SharedAppChanged(WeComEvent, event="share_agent_change"):
    """An app was shared with another company of a group or chain, or no longer (共享应用事件回调)."""

    corp_id: str | None = Field(None, alias="CorpId")
    """The company that shares."""
    agent_id: int | None = Field(None, alias="AgentId")
    """The app there."""
    app_id: int | None = Field(None, alias="AppId")
    """The app here."""


class ProgramNotify(WeComEvent, event="program_notify"):
    """Your program in the platform's data room has something to tell (专区通知应用事件)."""

    notify_id: str | None = Field(None, alias="NotifyId")
    """Fetch the content with it."""
    notify_scene: int | None = Field(None, alias="NotifyScene")
