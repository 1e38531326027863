"""The world: the same for the same seed, the right size, quick to make, with the odd people that break software."""

from __future__ import annotations

import os
import socket
import time

import pytest

from siyu_sdk.sandbox import Sandbox


def everything(sandbox: Sandbox) -> object:
    world = sandbox.world
    return world.people, world.follows, world.members, world.orders, [task.summary() for task in sandbox.wecom.tasks.values()]


def test_the_same_seed_gives_the_same_world_and_another_seed_another() -> None:
    first, second, other = (Sandbox(seed=seed, customers=200) for seed in (7, 7, 8))
    assert [p.name for p in first.world.people] == [p.name for p in second.world.people]
    assert first.wecom.tagged("状态/免打扰") == second.wecom.tagged("状态/免打扰")
    assert [o.items for o in first.world.orders["store"]] == [o.items for o in second.world.orders["store"]]
    assert [p.name for p in first.world.people] != [p.name for p in other.world.people]


def test_the_same_seed_gives_the_same_week() -> None:
    def week() -> tuple[object, ...]:
        with Sandbox(seed=7, customers=200) as sandbox:
            task = sandbox.wecom.add_task("你好", (), list(sandbox.world.customers), "")
            sandbox.advance(days=7)
            events = [(event["ChangeType"], event["UserID"], event["ExternalUserID"]) for event in sandbox.world.events]
            rows = {(userid, customer): row.status for userid, todo in task.todos.items() for customer, row in todo.rows.items()}
            return events, rows

    assert week() == week()


def test_two_thousand_customers_are_there_in_less_than_a_second() -> None:
    Sandbox(customers=1)  # keys are made once a process
    begin = time.perf_counter()
    sandbox = Sandbox(seed=3)
    assert time.perf_counter() - begin < 1
    world = sandbox.world
    assert (len(world.members), len(world.shops), len(world.customers)) == (12, 5, 2000)
    assert sum(member.habit == "never" for member in world.members.values()) == 1
    assert sum(len(follows) == 2 for follows in world.follows.values()) > 100
    assert 1 <= len(sandbox.wecom.tagged("状态/免打扰")) <= 60
    assert any(p.unionid is None for p in world.people)
    assert any(p.miniprogram_openid is None for p in world.people)
    assert any(p.external_userid is None for p in world.people), "people whom nobody follows buy, too"
    buyers = [len(world.bought("榴莲", times=times)) for times in (1, 2, 3)]
    assert buyers[0] > buyers[1] > buyers[2] > 0
    names = " ".join(p.name for p in world.people)
    for odd in ("🍉", "$1", "O'Neil", '"T"', "\u202e", "\u200b", "<b>"):
        assert odd in names


def test_sizes_that_make_no_world_are_refused() -> None:
    with pytest.raises(ValueError, match="members"):
        Sandbox(members=0)


def test_time_runs_and_can_be_skipped_but_not_turned_back(sandbox: Sandbox) -> None:
    start = sandbox.clock.now()
    assert start.isoformat().startswith("2026-11-16T01:30")
    sandbox.advance(days=1, hours=2)
    assert 93_600 <= (sandbox.clock.now() - start).total_seconds() < 93_602
    with pytest.raises(ValueError, match="backwards"):
        sandbox.advance(hours=-1)


def test_reset_brings_the_first_morning_back(sandbox: Sandbox) -> None:
    names = [p.name for p in sandbox.world.people]
    url = sandbox.wecom_url
    sandbox.wecom.customer_adds("amy")
    sandbox.advance(days=3)
    sandbox.reset()
    assert [p.name for p in sandbox.world.people] == names
    assert sandbox.clock.now().isoformat().startswith("2026-11-16T01:30")
    assert sandbox.wecom_url == url
    assert sandbox.calls.count() == 0


def free_ports(count: int) -> int:
    """The first of so many free ports in a row, below those that the system hands out by itself."""
    for base in range(20_000 + os.getpid() % 1000 * 10, 32_000, count):
        sockets = [socket.socket() for _ in range(count)]
        try:
            for n, probe in enumerate(sockets):
                probe.bind(("127.0.0.1", base + n))
        except OSError:
            continue
        else:
            return base
        finally:
            for probe in sockets:
                probe.close()
    raise AssertionError("no free ports")


def test_a_port_can_be_asked_for() -> None:
    base = free_ports(5)
    with Sandbox(customers=1, port=base) as sandbox:
        urls = (sandbox.wecom_url, sandbox.miniprogram_url, sandbox.store_url, sandbox.pay_url, sandbox.control_url)
        assert [int(url.rsplit(":", 1)[1]) for url in urls] == list(range(base, base + 5))
        with pytest.raises(OSError, match="in use"), Sandbox(customers=1, port=base + 1):
            pass


def test_secrets_do_not_show() -> None:
    sandbox = Sandbox(customers=1)
    shown = repr(sandbox.credentials) + repr(sandbox)
    for secret in (sandbox.credentials.corpsecret, sandbox.credentials.api_v3_key, "PRIVATE KEY"):
        assert secret not in shown
