"""The WeCom clients and their tree of resources."""

from __future__ import annotations

from functools import cached_property
from typing import Generic, Unpack, cast

from ..core.client import AsyncClient, Client, Options, async_transport, transport
from ..core.endpoint import Async, M, Sync
from ..core.errors import InputError
from ..core.exchange import Auth, TokenAuth
from ..core.http import AsyncHttpClient, HttpClient
from ..core.run import AsyncRunner, Runner
from ..core.tokens import Token, TokenSource, cache_key
from .acquisition import Acquisition
from .agents import Agents, Menus, Workbench
from .app_chats import AppChats
from .app_messages import AppMessages
from .approvals import Approvals
from .auth import AccessToken, Servers, Tokens
from .contact_ways import ContactWays
from .customers import Customers
from .departments import Departments
from .external_ids import ExternalIds
from .external_pay import ExternalPay
from .group_chats import GroupChats, JoinWays
from .group_welcome import GroupWelcome
from .id_convert import IdConvert
from .intercept_rules import InterceptRules
from .kf import KfAccounts, KfCustomers, KfServicers
from .kf_knowledge import KfKnowledge
from .kf_messages import KfMessages
from .kf_sessions import KfSessions
from .kf_statistics import KfStatistics
from .living import Livings
from .mass_messages import MassMessages
from .media import Media
from .member_auth import MemberAuths
from .member_tags import MemberTags
from .members import Members
from .miniapp_pay import MiniAppPay
from .moments import Moments
from .msgaudit import MessageArchive
from .oauth import MiniProgramLogins, OAuth
from .paytool import PayTool
from .products import Products
from .school_notices import SchoolNotices
from .served_contacts import ServedContacts
from .statistics import Statistics
from .strategies import CustomerStrategies, MomentStrategies
from .strategy_tags import StrategyTags
from .tags import CorpTags
from .tickets import Tickets
from .transfer import OnjobTransfer, ResignedTransfer
from .welcome import Welcome

HOST = "https://qyapi.weixin.qq.com"


class WeComAPI(Generic[M]):
    """The chapters of the WeCom documentation."""

    @cached_property
    def customers(self) -> Customers[M]:
        """Customers (客户管理)."""
        return Customers(cast("Runner | AsyncRunner", self))

    @cached_property
    def tags(self) -> CorpTags[M]:
        """Tags of the company for customers (企业客户标签)."""
        return CorpTags(cast("Runner | AsyncRunner", self))

    @cached_property
    def mass_messages(self) -> MassMessages[M]:
        """Messages to many customers, sent by members (企业群发)."""
        return MassMessages(cast("Runner | AsyncRunner", self))

    @cached_property
    def members(self) -> Members[M]:
        """Members of the company (成员管理)."""
        return Members(cast("Runner | AsyncRunner", self))

    @cached_property
    def media(self) -> Media[M]:
        """Temporary files (素材管理)."""
        return Media(cast("Runner | AsyncRunner", self))

    @cached_property
    def agents(self) -> Agents[M]:
        """Apps of the company (应用管理)."""
        return Agents(cast("Runner | AsyncRunner", self))

    @cached_property
    def menus(self) -> Menus[M]:
        """The menu of an app (自定义菜单)."""
        return Menus(cast("Runner | AsyncRunner", self))

    @cached_property
    def workbench(self) -> Workbench[M]:
        """What members see of an app on the workbench (工作台自定义展示)."""
        return Workbench(cast("Runner | AsyncRunner", self))

    @cached_property
    def app_chats(self) -> AppChats[M]:
        """Group chats that an app made (群聊会话)."""
        return AppChats(cast("Runner | AsyncRunner", self))

    @cached_property
    def app_messages(self) -> AppMessages[M]:
        """Messages of an app to members (应用消息)."""
        return AppMessages(cast("Runner | AsyncRunner", self))

    @cached_property
    def approvals(self) -> Approvals[M]:
        """Approvals in an app of your own (审批流程引擎)."""
        return Approvals(cast("Runner | AsyncRunner", self))

    @cached_property
    def tokens(self) -> Tokens[M]:
        """Tokens; clients fetch them by themselves (access_token)."""
        return Tokens(cast("Runner | AsyncRunner", self))

    @cached_property
    def servers(self) -> Servers[M]:
        """Addresses of the platform, for firewalls (企业微信服务器IP段)."""
        return Servers(cast("Runner | AsyncRunner", self))

    @cached_property
    def departments(self) -> Departments[M]:
        """Departments (部门管理)."""
        return Departments(cast("Runner | AsyncRunner", self))

    @cached_property
    def id_convert(self) -> IdConvert[M]:
        """One thing, several ids (ID转换)."""
        return IdConvert(cast("Runner | AsyncRunner", self))

    @cached_property
    def member_auths(self) -> MemberAuths[M]:
        """Members who authorised a third-party app themselves (成员授权)."""
        return MemberAuths(cast("Runner | AsyncRunner", self))

    @cached_property
    def member_tags(self) -> MemberTags[M]:
        """Tags of members (标签管理)."""
        return MemberTags(cast("Runner | AsyncRunner", self))

    @cached_property
    def miniprogram_logins(self) -> MiniProgramLogins[M]:
        """Login of members in a mini-program (小程序登录)."""
        return MiniProgramLogins(cast("Runner | AsyncRunner", self))

    @cached_property
    def oauth(self) -> OAuth[M]:
        """Who opened the page (身份验证)."""
        return OAuth(cast("Runner | AsyncRunner", self))

    @cached_property
    def tickets(self) -> Tickets[M]:
        """Tickets of the JS-SDK (jsapi_ticket)."""
        return Tickets(cast("Runner | AsyncRunner", self))

    @cached_property
    def contact_ways(self) -> ContactWays[M]:
        """Codes and buttons by which customers add members (联系我)."""
        return ContactWays(cast("Runner | AsyncRunner", self))

    @cached_property
    def customer_strategies(self) -> CustomerStrategies[M]:
        """Rule groups for customers (客户联系规则组)."""
        return CustomerStrategies(cast("Runner | AsyncRunner", self))

    @cached_property
    def acquisition(self) -> Acquisition[M]:
        """Links that bring customers (获客助手)."""
        return Acquisition(cast("Runner | AsyncRunner", self))

    @cached_property
    def served_contacts(self) -> ServedContacts[M]:
        """People whom the company has served (已服务的外部联系人)."""
        return ServedContacts(cast("Runner | AsyncRunner", self))

    @cached_property
    def strategy_tags(self) -> StrategyTags[M]:
        """Tags of rule groups (规则组标签)."""
        return StrategyTags(cast("Runner | AsyncRunner", self))

    @cached_property
    def onjob_transfer(self) -> OnjobTransfer[M]:
        """Handing over from members who stay (在职继承)."""
        return OnjobTransfer(cast("Runner | AsyncRunner", self))

    @cached_property
    def resigned_transfer(self) -> ResignedTransfer[M]:
        """Handing over from members who have left (离职继承)."""
        return ResignedTransfer(cast("Runner | AsyncRunner", self))

    @cached_property
    def group_chats(self) -> GroupChats[M]:
        """Customer groups (客户群)."""
        return GroupChats(cast("Runner | AsyncRunner", self))

    @cached_property
    def join_ways(self) -> JoinWays[M]:
        """Codes by which customers join groups (加入群聊)."""
        return JoinWays(cast("Runner | AsyncRunner", self))

    @cached_property
    def moments(self) -> Moments[M]:
        """Moments (客户朋友圈)."""
        return Moments(cast("Runner | AsyncRunner", self))

    @cached_property
    def moment_strategies(self) -> MomentStrategies[M]:
        """Rule groups for moments (客户朋友圈规则组)."""
        return MomentStrategies(cast("Runner | AsyncRunner", self))

    @cached_property
    def welcome(self) -> Welcome[M]:
        """Welcome messages to new customers (新客户欢迎语)."""
        return Welcome(cast("Runner | AsyncRunner", self))

    @cached_property
    def group_welcome(self) -> GroupWelcome[M]:
        """Welcome templates of customer groups (入群欢迎语素材)."""
        return GroupWelcome(cast("Runner | AsyncRunner", self))

    @cached_property
    def statistics(self) -> Statistics[M]:
        """What members and groups did (统计管理)."""
        return Statistics(cast("Runner | AsyncRunner", self))

    @cached_property
    def products(self) -> Products[M]:
        """The product album (商品图册)."""
        return Products(cast("Runner | AsyncRunner", self))

    @cached_property
    def intercept_rules(self) -> InterceptRules[M]:
        """Sensitive words (聊天敏感词)."""
        return InterceptRules(cast("Runner | AsyncRunner", self))

    @cached_property
    def external_ids(self) -> ExternalIds[M]:
        """Ids of customers (外部联系人ID转换)."""
        return ExternalIds(cast("Runner | AsyncRunner", self))

    @cached_property
    def school_notices(self) -> SchoolNotices[M]:
        """School notices (学校通知)."""
        return SchoolNotices(cast("Runner | AsyncRunner", self))

    @cached_property
    def kf_accounts(self) -> KfAccounts[M]:
        """Accounts of customer service (客服账号)."""
        return KfAccounts(cast("Runner | AsyncRunner", self))

    @cached_property
    def kf_servicers(self) -> KfServicers[M]:
        """Who serves the accounts of customer service (接待人员)."""
        return KfServicers(cast("Runner | AsyncRunner", self))

    @cached_property
    def kf_customers(self) -> KfCustomers[M]:
        """Who writes to customer service (客户)."""
        return KfCustomers(cast("Runner | AsyncRunner", self))

    @cached_property
    def kf_sessions(self) -> KfSessions[M]:
        """Who answers whom in customer service (会话分配)."""
        return KfSessions(cast("Runner | AsyncRunner", self))

    @cached_property
    def kf_messages(self) -> KfMessages[M]:
        """Messages of customer service (消息收发)."""
        return KfMessages(cast("Runner | AsyncRunner", self))

    @cached_property
    def kf_knowledge(self) -> KfKnowledge[M]:
        """What the robot of customer service knows (知识库)."""
        return KfKnowledge(cast("Runner | AsyncRunner", self))

    @cached_property
    def kf_statistics(self) -> KfStatistics[M]:
        """Figures of customer service (统计管理)."""
        return KfStatistics(cast("Runner | AsyncRunner", self))

    @cached_property
    def livings(self) -> Livings[M]:
        """Live rooms (直播)."""
        return Livings(cast("Runner | AsyncRunner", self))

    @cached_property
    def message_archive(self) -> MessageArchive[M]:
        """Who is in the archive of conversations (会话内容存档)."""
        return MessageArchive(cast("Runner | AsyncRunner", self))

    @cached_property
    def external_pay(self) -> ExternalPay[M]:
        """Payments that members take from customers (对外收款)."""
        return ExternalPay(cast("Runner | AsyncRunner", self))

    @cached_property
    def miniapp_pay(self) -> MiniAppPay[M]:
        """Payments in the company's mini-programs (小程序接入对外收款)."""
        return MiniAppPay(cast("Runner | AsyncRunner", self))

    @cached_property
    def paytool(self) -> PayTool[M]:
        """The provider's till (服务商收款工具)."""
        return PayTool(cast("Runner | AsyncRunner", self))


def token_source(corpid: str, corpsecret: str) -> TokenSource:
    """The token of one app: its cache key tells apps of one company apart."""
    if not corpid or not corpsecret:
        raise InputError("WeCom needs corpid and corpsecret (the secret of one app)", "corpsecret" if corpid else "corpid")

    def read(reply: AccessToken, now: float) -> Token:
        return Token.living(reply.access_token, reply.expires_in, now)

    return TokenSource(cache_key("wecom", corpid, corpsecret), lambda: Tokens.get(corpid, corpsecret), read)


def _auths(corpid: str, corpsecret: str) -> dict[str, Auth]:
    return {"access_token": TokenAuth(token_source(corpid, corpsecret))}


class WeCom(WeComAPI[Sync], Client):
    """WeCom, for threads: `with WeCom(corpid, corpsecret) as wecom: wecom.customers.get("wm…")`.

    `agentid` is for what is sent as an app. `http` is an `httpx.Client` of your own; it stays yours to close.
    """

    platform, host = "wecom", HOST

    def __init__(
        self, corpid: str, corpsecret: str, *, agentid: int | None = None, http: HttpClient | None = None, **options: Unpack[Options]
    ) -> None:
        self.corpid, self.agentid = corpid, agentid
        self._open(tenant=corpid, auths=_auths(corpid, corpsecret), options=options, transport=transport(http, proxy=options.get("proxy")))


class AsyncWeCom(WeComAPI[Async], AsyncClient):
    """WeCom, for tasks: `async with AsyncWeCom(corpid, corpsecret) as wecom: await wecom.customers.get("wm…")`.

    `agentid` is for what is sent as an app. `http` is an `httpx.AsyncClient` of your own; it stays yours to close.
    """

    platform, host = "wecom", HOST

    def __init__(
        self, corpid: str, corpsecret: str, *, agentid: int | None = None, http: AsyncHttpClient | None = None, **options: Unpack[Options]
    ) -> None:
        super().__init__()
        self.corpid, self.agentid = corpid, agentid
        self._open(tenant=corpid, auths=_auths(corpid, corpsecret), options=options, transport=async_transport(http, proxy=options.get("proxy")))
