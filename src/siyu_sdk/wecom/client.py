"""The WeCom clients and their tree of resources."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Generic, TypeVar, Unpack, cast

from ..core.call import Call
from ..core.client import AsyncClient, Client, Options
from ..core.endpoint import Async, M, Sync
from ..core.http import AsyncHttpClient, HttpClient
from ..core.run import AsyncRunner, Runner
from ..core.tokens import TokenProvider
from .auth import Servers, Tokens
from .credentials import Credential, credential, token_source
from .resource import completed

if TYPE_CHECKING:  # a chapter is imported where it is first used: together they take longer than everything else
    from .acquisition import Acquisition
    from .agents import Agents, Menus, Workbench
    from .app_chats import AppChats
    from .app_messages import AppMessages
    from .approvals import Approvals
    from .contact_ways import ContactWays
    from .customers import Customers
    from .departments import Departments
    from .external_ids import ExternalIds
    from .external_pay import ExternalPay
    from .group_chats import GroupChats, JoinWays
    from .group_welcome import GroupWelcome
    from .id_convert import IdConvert
    from .intercept_rules import InterceptRules
    from .jssdk import JsSdk
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
    from .provider import Providers
    from .school_notices import SchoolNotices
    from .served_contacts import ServedContacts
    from .statistics import Statistics
    from .strategies import CustomerStrategies, MomentStrategies
    from .strategy_tags import StrategyTags
    from .suite import Suites
    from .tags import CorpTags
    from .tickets import Tickets
    from .transfer import OnjobTransfer, ResignedTransfer
    from .welcome import Welcome

HOST = "https://qyapi.weixin.qq.com"
R = TypeVar("R")


class WeComAPI(Generic[M]):
    """The chapters of the WeCom documentation."""

    corpid: str
    agentid: int | None

    def completed(self, call: Call[R]) -> Call[R]:
        """The call as it is sent: with the client's `agentid`, where it wants one and names none."""
        return completed(call, self)

    @cached_property
    def customers(self) -> Customers[M]:
        """Customers (客户管理)."""
        from .customers import Customers

        return Customers(cast("Runner | AsyncRunner", self))

    @cached_property
    def tags(self) -> CorpTags[M]:
        """Tags of the company for customers (企业客户标签)."""
        from .tags import CorpTags

        return CorpTags(cast("Runner | AsyncRunner", self))

    @cached_property
    def mass_messages(self) -> MassMessages[M]:
        """Messages to many customers, sent by members (企业群发)."""
        from .mass_messages import MassMessages

        return MassMessages(cast("Runner | AsyncRunner", self))

    @cached_property
    def members(self) -> Members[M]:
        """Members of the company (成员管理)."""
        from .members import Members

        return Members(cast("Runner | AsyncRunner", self))

    @cached_property
    def media(self) -> Media[M]:
        """Temporary files (素材管理)."""
        from .media import Media

        return Media(cast("Runner | AsyncRunner", self))

    @cached_property
    def agents(self) -> Agents[M]:
        """Apps of the company (应用管理)."""
        from .agents import Agents

        return Agents(cast("Runner | AsyncRunner", self))

    @cached_property
    def menus(self) -> Menus[M]:
        """The menu of an app (自定义菜单)."""
        from .agents import Menus

        return Menus(cast("Runner | AsyncRunner", self))

    @cached_property
    def workbench(self) -> Workbench[M]:
        """What members see of an app on the workbench (工作台自定义展示)."""
        from .agents import Workbench

        return Workbench(cast("Runner | AsyncRunner", self))

    @cached_property
    def app_chats(self) -> AppChats[M]:
        """Group chats that an app made (群聊会话)."""
        from .app_chats import AppChats

        return AppChats(cast("Runner | AsyncRunner", self))

    @cached_property
    def app_messages(self) -> AppMessages[M]:
        """Messages of an app to members (应用消息)."""
        from .app_messages import AppMessages

        return AppMessages(cast("Runner | AsyncRunner", self))

    @cached_property
    def approvals(self) -> Approvals[M]:
        """Approvals in an app of your own (审批流程引擎)."""
        from .approvals import Approvals

        return Approvals(cast("Runner | AsyncRunner", self))

    @cached_property
    def tokens(self) -> Tokens[M]:
        """Tokens; clients fetch them by themselves (access_token)."""
        return Tokens(cast("Runner | AsyncRunner", self))

    @cached_property
    def suites(self) -> Suites[M]:
        """Authorisations of third-party apps (第三方应用授权)."""
        from .suite import Suites

        return Suites(cast("Runner | AsyncRunner", self))

    @cached_property
    def providers(self) -> Providers[M]:
        """What a provider does in its own name (服务商)."""
        from .provider import Providers

        return Providers(cast("Runner | AsyncRunner", self))

    @cached_property
    def servers(self) -> Servers[M]:
        """Addresses of the platform, for firewalls (企业微信服务器IP段)."""
        return Servers(cast("Runner | AsyncRunner", self))

    @cached_property
    def departments(self) -> Departments[M]:
        """Departments (部门管理)."""
        from .departments import Departments

        return Departments(cast("Runner | AsyncRunner", self))

    @cached_property
    def id_convert(self) -> IdConvert[M]:
        """One thing, several ids (ID转换)."""
        from .id_convert import IdConvert

        return IdConvert(cast("Runner | AsyncRunner", self))

    @cached_property
    def member_auths(self) -> MemberAuths[M]:
        """Members who authorised a third-party app themselves (成员授权)."""
        from .member_auth import MemberAuths

        return MemberAuths(cast("Runner | AsyncRunner", self))

    @cached_property
    def member_tags(self) -> MemberTags[M]:
        """Tags of members (标签管理)."""
        from .member_tags import MemberTags

        return MemberTags(cast("Runner | AsyncRunner", self))

    @cached_property
    def miniprogram_logins(self) -> MiniProgramLogins[M]:
        """Login of members in a mini-program (小程序登录)."""
        from .oauth import MiniProgramLogins

        return MiniProgramLogins(cast("Runner | AsyncRunner", self))

    @cached_property
    def oauth(self) -> OAuth[M]:
        """Who opened the page (身份验证)."""
        from .oauth import OAuth

        return OAuth(cast("Runner | AsyncRunner", self))

    @cached_property
    def tickets(self) -> Tickets[M]:
        """Tickets of the JS-SDK (jsapi_ticket)."""
        from .tickets import Tickets

        return Tickets(cast("Runner | AsyncRunner", self))

    @cached_property
    def jssdk(self) -> JsSdk[M]:
        """Signatures of pages that use the JS-SDK (JS-SDK使用权限签名算法)."""
        from .jssdk import JsSdk

        return JsSdk(cast("Runner | AsyncRunner", self))

    @cached_property
    def contact_ways(self) -> ContactWays[M]:
        """Codes and buttons by which customers add members (联系我)."""
        from .contact_ways import ContactWays

        return ContactWays(cast("Runner | AsyncRunner", self))

    @cached_property
    def customer_strategies(self) -> CustomerStrategies[M]:
        """Rule groups for customers (客户联系规则组)."""
        from .strategies import CustomerStrategies

        return CustomerStrategies(cast("Runner | AsyncRunner", self))

    @cached_property
    def acquisition(self) -> Acquisition[M]:
        """Links that bring customers (获客助手)."""
        from .acquisition import Acquisition

        return Acquisition(cast("Runner | AsyncRunner", self))

    @cached_property
    def served_contacts(self) -> ServedContacts[M]:
        """People whom the company has served (已服务的外部联系人)."""
        from .served_contacts import ServedContacts

        return ServedContacts(cast("Runner | AsyncRunner", self))

    @cached_property
    def strategy_tags(self) -> StrategyTags[M]:
        """Tags of rule groups (规则组标签)."""
        from .strategy_tags import StrategyTags

        return StrategyTags(cast("Runner | AsyncRunner", self))

    @cached_property
    def onjob_transfer(self) -> OnjobTransfer[M]:
        """Handing over from members who stay (在职继承)."""
        from .transfer import OnjobTransfer

        return OnjobTransfer(cast("Runner | AsyncRunner", self))

    @cached_property
    def resigned_transfer(self) -> ResignedTransfer[M]:
        """Handing over from members who have left (离职继承)."""
        from .transfer import ResignedTransfer

        return ResignedTransfer(cast("Runner | AsyncRunner", self))

    @cached_property
    def group_chats(self) -> GroupChats[M]:
        """Customer groups (客户群)."""
        from .group_chats import GroupChats

        return GroupChats(cast("Runner | AsyncRunner", self))

    @cached_property
    def join_ways(self) -> JoinWays[M]:
        """Codes by which customers join groups (加入群聊)."""
        from .group_chats import JoinWays

        return JoinWays(cast("Runner | AsyncRunner", self))

    @cached_property
    def moments(self) -> Moments[M]:
        """Moments (客户朋友圈)."""
        from .moments import Moments

        return Moments(cast("Runner | AsyncRunner", self))

    @cached_property
    def moment_strategies(self) -> MomentStrategies[M]:
        """Rule groups for moments (客户朋友圈规则组)."""
        from .strategies import MomentStrategies

        return MomentStrategies(cast("Runner | AsyncRunner", self))

    @cached_property
    def welcome(self) -> Welcome[M]:
        """Welcome messages to new customers (新客户欢迎语)."""
        from .welcome import Welcome

        return Welcome(cast("Runner | AsyncRunner", self))

    @cached_property
    def group_welcome(self) -> GroupWelcome[M]:
        """Welcome templates of customer groups (入群欢迎语素材)."""
        from .group_welcome import GroupWelcome

        return GroupWelcome(cast("Runner | AsyncRunner", self))

    @cached_property
    def statistics(self) -> Statistics[M]:
        """What members and groups did (统计管理)."""
        from .statistics import Statistics

        return Statistics(cast("Runner | AsyncRunner", self))

    @cached_property
    def products(self) -> Products[M]:
        """The product album (商品图册)."""
        from .products import Products

        return Products(cast("Runner | AsyncRunner", self))

    @cached_property
    def intercept_rules(self) -> InterceptRules[M]:
        """Sensitive words (聊天敏感词)."""
        from .intercept_rules import InterceptRules

        return InterceptRules(cast("Runner | AsyncRunner", self))

    @cached_property
    def external_ids(self) -> ExternalIds[M]:
        """Ids of customers (外部联系人ID转换)."""
        from .external_ids import ExternalIds

        return ExternalIds(cast("Runner | AsyncRunner", self))

    @cached_property
    def school_notices(self) -> SchoolNotices[M]:
        """School notices (学校通知)."""
        from .school_notices import SchoolNotices

        return SchoolNotices(cast("Runner | AsyncRunner", self))

    @cached_property
    def kf_accounts(self) -> KfAccounts[M]:
        """Accounts of customer service (客服账号)."""
        from .kf import KfAccounts

        return KfAccounts(cast("Runner | AsyncRunner", self))

    @cached_property
    def kf_servicers(self) -> KfServicers[M]:
        """Who serves the accounts of customer service (接待人员)."""
        from .kf import KfServicers

        return KfServicers(cast("Runner | AsyncRunner", self))

    @cached_property
    def kf_customers(self) -> KfCustomers[M]:
        """Who writes to customer service (客户)."""
        from .kf import KfCustomers

        return KfCustomers(cast("Runner | AsyncRunner", self))

    @cached_property
    def kf_sessions(self) -> KfSessions[M]:
        """Who answers whom in customer service (会话分配)."""
        from .kf_sessions import KfSessions

        return KfSessions(cast("Runner | AsyncRunner", self))

    @cached_property
    def kf_messages(self) -> KfMessages[M]:
        """Messages of customer service (消息收发)."""
        from .kf_messages import KfMessages

        return KfMessages(cast("Runner | AsyncRunner", self))

    @cached_property
    def kf_knowledge(self) -> KfKnowledge[M]:
        """What the robot of customer service knows (知识库)."""
        from .kf_knowledge import KfKnowledge

        return KfKnowledge(cast("Runner | AsyncRunner", self))

    @cached_property
    def kf_statistics(self) -> KfStatistics[M]:
        """Figures of customer service (统计管理)."""
        from .kf_statistics import KfStatistics

        return KfStatistics(cast("Runner | AsyncRunner", self))

    @cached_property
    def livings(self) -> Livings[M]:
        """Live rooms (直播)."""
        from .living import Livings

        return Livings(cast("Runner | AsyncRunner", self))

    @cached_property
    def message_archive(self) -> MessageArchive[M]:
        """Who is in the archive of conversations (会话内容存档)."""
        from .msgaudit import MessageArchive

        return MessageArchive(cast("Runner | AsyncRunner", self))

    @cached_property
    def external_pay(self) -> ExternalPay[M]:
        """Payments that members take from customers (对外收款)."""
        from .external_pay import ExternalPay

        return ExternalPay(cast("Runner | AsyncRunner", self))

    @cached_property
    def miniapp_pay(self) -> MiniAppPay[M]:
        """Payments in the company's mini-programs (小程序接入对外收款)."""
        from .miniapp_pay import MiniAppPay

        return MiniAppPay(cast("Runner | AsyncRunner", self))

    @cached_property
    def paytool(self) -> PayTool[M]:
        """The provider's till (服务商收款工具)."""
        from .paytool import PayTool

        return PayTool(cast("Runner | AsyncRunner", self))


class WeCom(WeComAPI[Sync], Client):
    """WeCom, for threads: `with WeCom(corpid, corpsecret) as wecom: wecom.customers.get("wm…")`.

    In place of the corpid it takes any credential of `siyu_sdk.wecom.credentials`; `token_provider` is a token service of your own.
    `agentid` is the app that speaks wherever a call names none. `http` is an `httpx.Client` of your own; it stays yours to close.
    """

    platform, host = "wecom", HOST

    def __init__(
        self,
        corpid: str | Credential,
        corpsecret: str = "",
        *,
        token_provider: TokenProvider | None = None,
        agentid: int | None = None,
        http: HttpClient | None = None,
        **options: Unpack[Options],
    ) -> None:
        right = credential(corpid, corpsecret, token_provider)
        self.corpid, self.agentid = right.tenant, agentid
        self._open(tenant=right.tenant, auths=right.auths(), options=options, http=http)


class AsyncWeCom(WeComAPI[Async], AsyncClient):
    """WeCom, for tasks: `async with AsyncWeCom(corpid, corpsecret) as wecom: await wecom.customers.get("wm…")`.

    In place of the corpid it takes any credential of `siyu_sdk.wecom.credentials`; `token_provider` is a token service of your own.
    `agentid` is the app that speaks wherever a call names none. `http` is an `httpx.AsyncClient` of your own; it stays yours to close.
    """

    platform, host = "wecom", HOST

    def __init__(
        self,
        corpid: str | Credential,
        corpsecret: str = "",
        *,
        token_provider: TokenProvider | None = None,
        agentid: int | None = None,
        http: AsyncHttpClient | None = None,
        **options: Unpack[Options],
    ) -> None:
        super().__init__()
        right = credential(corpid, corpsecret, token_provider)
        self.corpid, self.agentid = right.tenant, agentid
        self._open(tenant=right.tenant, auths=right.auths(), options=options, http=http)


__all__ = ["AsyncWeCom", "WeCom", "WeComAPI", "token_source"]
