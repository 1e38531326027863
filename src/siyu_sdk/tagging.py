"""Tags by name: `ensure` makes them exist, `apply` puts them on and takes them off, with only the calls that change something.

A corp tag hangs on the pair of member and customer, and the platform takes one pair a call, five calls at once. No tag is ever
deleted here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args

from attrs import field, frozen

from .audience import Audience, Follow, Person, current
from .core.call import Flow, Gather
from .core.endpoint import M, flow
from .core.errors import ApiError, Conflict, InputError
from .helper import Helper
from .reading import read_tag_ids
from .wecom.customers import Customers
from .wecom.tags import CorpTags, NewTag

UNKNOWN_TAG = 40068
MARKS_AT_ONCE = 5
"""The platform refuses a sixth mark_tag in flight (45033)."""

Who = Literal["all", "first", "latest"]


@frozen
class TagBook:
    """Tags by their names."""

    ids: Mapping[str, str]
    """«group/tag» → id."""
    created: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> str:
        return self.ids[name]


@frozen
class TagResult:
    """What tagging did, in pairs of member and customer."""

    changed: int
    unchanged: int
    failed: Mapping[tuple[str, str], Exception] = field(repr=False)
    """(member, customer) → why. Repeating `apply` tries just these again."""


def _split(name: str) -> tuple[str, str]:
    group, slash, tag = name.partition("/")
    if not slash or not group.strip() or not tag.strip():
        raise InputError(f"tag {name!r}: write «group/tag», e.g. '购买/榴莲'", "names")
    for part in (group, tag):
        if len(part) > 30:
            raise InputError(f"tag {name!r}: group and tag have at most 30 characters each, got {len(part)}", "names")
        if part != part.strip():
            raise InputError(f"tag {name!r}: no spaces at the beginning or the end of group and tag", "names")
    return group, tag


class Tagging(Helper[M]):
    """Tags of the company, by name."""

    @flow
    def ensure(self, *names: str) -> Flow[TagBook]:
        """Make sure that these tags exist («group/tag»), creating what is missing; a second run sends no call."""
        wanted: dict[str, list[str]] = defaultdict(list)
        for name in dict.fromkeys(names):
            group, tag = _split(name)
            wanted[group].append(tag)
        hub = self.hub
        ids = dict(hub.tag_ids)
        if any(name not in ids for name in names):
            ids = yield from read_tag_ids()  # the console may have made it meanwhile
        created = list[str]()
        for group, tags in wanted.items():
            missing = [tag for tag in tags if f"{group}/{tag}" not in ids]
            if missing:
                ids |= yield from _create(group, missing)
                created += [f"{group}/{tag}" for tag in missing]
        hub.tag_ids = ids
        if hub.snapshot is not None:
            hub.snapshot = hub.snapshot.with_tags({}, ids)
        return TagBook({name: ids[name] for name in names}, tuple(created))

    @flow
    def apply(
        self,
        audience: Audience | Iterable[str],
        *,
        add: Iterable[str] = (),
        remove: Iterable[str] = (),
        exclusive_group: str | None = None,
        follower: Who = "all",
    ) -> Flow[TagResult]:
        """Put tags on people and take tags off, by name; only what is not so already is sent.

        `exclusive_group` takes off every other tag of that group: a person has one level, not three. `follower` says whose relation
        is marked: every member's who follows the customer, or only the first's or the latest's. Opted-out people are tagged too:
        a tag is no message. What the platform refuses for one pair is reported in `failed` and stops nobody else.
        """
        add, remove = tuple(add), tuple(remove)
        if not add and not remove:
            raise InputError("tags.apply: name at least one tag to add or to remove", "add")
        if both := set(add) & set(remove):
            raise InputError(f"tags.apply: {min(both)!r} is to be added and removed at once", "remove")
        if isinstance(audience, str):
            raise InputError(f"tags.apply: audience is an Audience, or several external_userids; got the one text {audience!r}", "audience")
        if follower not in get_args(Who):
            raise InputError(f"tags.apply: follower is 'all', 'first' or 'latest', got {follower!r}", "follower")
        snapshot = yield from current(self)
        book = yield from Tagging.ensure.of(self, *add)
        snapshot = self.hub.snapshot or snapshot
        removed = {name: snapshot.tag_ids[name] for name in remove if name in snapshot.tag_ids}
        if exclusive_group is not None:
            removed |= {n: i for n, i in snapshot.tag_ids.items() if n.startswith(f"{exclusive_group}/") and n not in add}
        meant = audience.select(snapshot) if isinstance(audience, Audience) else frozenset(audience) & frozenset(snapshot.people)
        put, take = frozenset(book.ids.values()), frozenset(removed.values())
        changes = dict[tuple[str, str], tuple[frozenset[str], frozenset[str]]]()
        unchanged = 0
        for key in sorted(meant):
            for pair in _pairs(snapshot.people[key], follower):
                new, old = put - pair.tags, take & pair.tags
                if new or old:
                    changes[pair.userid, key] = (new, old)
                else:
                    unchanged += 1
        calls = [
            Customers.mark_tag(userid, key, add_tag=sorted(new) or None, remove_tag=sorted(old) or None)
            for (userid, key), (new, old) in changes.items()
        ]
        outcomes: list[Any] = yield from Gather(calls, limit=MARKS_AT_ONCE)
        failed = {pair: outcome for pair, outcome in zip(changes, outcomes, strict=True) if isinstance(outcome, Exception)}
        done = {pair: change for pair, change in changes.items() if pair not in failed}
        self.hub.snapshot = snapshot.with_tags(done, book.ids, self.hub.opt_out_tag)
        if any(isinstance(error, ApiError) and error.code == UNKNOWN_TAG for error in failed.values()):
            self.hub.tag_ids = {}  # deleted in the console: the next run looks, and makes it anew
        return TagResult(len(done), unchanged, failed)


def _create(group: str, tags: list[str]) -> Flow[dict[str, str]]:
    try:
        made = yield from CorpTags.add([NewTag(name=tag) for tag in tags], group_name=group)
    except Conflict:  # 40071: somebody made one of them between our look and our call
        ids = yield from read_tag_ids()
        rest = [tag for tag in tags if f"{group}/{tag}" not in ids]
        if rest == tags:
            raise
        return ids | ((yield from _create(group, rest)) if rest else {})
    return {f"{group}/{tag.name}": tag.id for tag in made.tag_group.tag}


def _pairs(person: Person, follower: Who) -> Iterable[Follow]:
    if follower == "all" or not person.follows:
        return person.follows
    return (person.follows[0 if follower == "first" else -1],)
