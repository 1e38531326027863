"""Sensitive words (聊天敏感词): what members shall not write to customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator
from pydantic_core import PydanticCustomError

from ..core.call import Call
from ..core.endpoint import GET, POST
from ..core.errors import InputError
from ..core.model import MaxChars, MaxItems, NotEmpty, OpenIntEnum, OrDict, Reply, Timestamp, WireModel
from .common import MemberRange, all_of, some_change
from .resource import M, WeComResource


class _NumberedId(str):
    """An id that came as a number and goes back as one."""

    __slots__ = ()


def _read_id(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return _NumberedId(value)
    raise PydanticCustomError("rule_id", "a string or a whole number is expected")


def _write_id(value: str) -> str | int:
    return int(value) if isinstance(value, _NumberedId) else value


RuleId = Annotated[str, PlainValidator(_read_id), PlainSerializer(_write_id, when_used="json")]
"""A `str`, also where the platform tells it as a number."""


class InterceptType(OpenIntEnum):
    """What happens to such a message (拦截方式)."""

    WARN_AND_STOP = 1
    WARN = 2


class Semantics(OpenIntEnum):
    """What else may be caught (额外的拦截语义)."""

    PHONE_NUMBER = 1
    EMAIL = 2
    RED_PACKET = 3


class ExtraRule(WireModel):
    """What else a rule catches."""

    semantics_list: tuple[Semantics, ...] = ()


class InterceptRuleName(WireModel):
    """A rule, by its name."""

    rule_id: RuleId
    rule_name: str | None = None
    create_time: Timestamp | None = None


class InterceptRule(InterceptRuleName):
    """A rule (敏感词规则)."""

    word_list: tuple[str, ...] = ()
    extra_rule: ExtraRule | None = None
    intercept_type: InterceptType | None = None
    applicable_range: MemberRange | None = None


class AddedInterceptRule(Reply):
    """A new rule."""

    rule_id: RuleId


class InterceptRuleList(Reply):
    """All rules."""

    rule_list: tuple[InterceptRuleName, ...] = ()


class InterceptRuleDetail(Reply):
    """One rule."""

    rule: InterceptRule


Word = Annotated[str, NotEmpty, MaxChars(32)]
NODES = 1000
"""Members, and departments, that one call takes."""


def _few_nodes(arguments: Mapping[str, Any]) -> None:
    for field in ("applicable_range", "add_applicable_range", "remove_applicable_range"):
        where: MemberRange | None = arguments.get(field)
        for name, nodes in (("user_list", where.user_list), ("department_list", where.department_list)) if where else ():
            if len(nodes) > NODES:
                raise InputError(f"at most {NODES} entries are allowed, got {len(nodes)}", f"{field}.{name}")


def _applies_to_somebody(arguments: Mapping[str, Any]) -> None:
    where: MemberRange = arguments["applicable_range"]
    if not where.user_list and not where.department_list:
        raise InputError("a rule needs members: give user_list or department_list", "applicable_range")
    _few_nodes(arguments)


class InterceptRules(WeComResource[M]):
    """Rules on sensitive words (敏感词规则). Needs the secret of 客户联系, or an app that may call it."""

    @POST("/cgi-bin/externalcontact/add_intercept_rule", docs=95097, check=_applies_to_somebody)
    def create(
        self,
        rule_name: Annotated[str, NotEmpty, MaxChars(20)],
        *,
        word_list: Annotated[Sequence[Word], NotEmpty, MaxItems(300)],
        intercept_type: InterceptType,
        applicable_range: OrDict[MemberRange],
        semantics_list: Sequence[Semantics] | None = None,
    ) -> Call[AddedInterceptRule]:
        """Make a rule (新建敏感词规则).

        The name has 1 to 20 characters; up to 300 words of 1 to 32 characters; at least a member or a department, at most 1,000 of each. A
        company has up to 100 rules. Raises Conflict (41077) where the name is taken, QuotaExceeded where there are too many words (41068),
        rules (41069) or members (41076: name departments).
        """
        ...

    @GET("/cgi-bin/externalcontact/get_intercept_rule_list", docs=95097)
    def list(self) -> Call[InterceptRuleList]:
        """List all rules by name (获取敏感词规则列表)."""
        ...

    @POST("/cgi-bin/externalcontact/get_intercept_rule", docs=95097, idempotent=True)
    def get(self, rule_id: str) -> Call[InterceptRuleDetail]:
        """Fetch one rule (获取敏感词规则详情). Raises NotFound (41070, 41071) where there is none any more."""
        ...

    @POST(
        "/cgi-bin/externalcontact/update_intercept_rule",
        docs=95097,
        idempotent=True,
        check=all_of(
            some_change("rule_name", "word_list", "extra_rule", "intercept_type", "add_applicable_range", "remove_applicable_range"),
            _few_nodes,
        ),
    )
    def update(
        self,
        rule_id: str,
        *,
        rule_name: Annotated[str, NotEmpty, MaxChars(20)] | None = None,
        word_list: Annotated[Sequence[Word], NotEmpty, MaxItems(300)] | None = None,
        extra_rule: OrDict[ExtraRule] | None = None,
        intercept_type: InterceptType | None = None,
        add_applicable_range: OrDict[MemberRange] | None = None,
        remove_applicable_range: OrDict[MemberRange] | None = None,
    ) -> Call[Reply]:
        """Change a rule (修改敏感词规则).

        What is left out stays; words and semantics that are given replace all, members and departments are added and removed. The semantics
        stand in `extra_rule` here, as in what `get` tells, and not beside it as in `create`.
        """
        ...

    @POST("/cgi-bin/externalcontact/del_intercept_rule", docs=95097)
    def delete(self, rule_id: str) -> Call[Reply]:
        """Delete a rule (删除敏感词规则). Raises NotFound (41070, 41071) where there is none any more."""
        ...
