from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest

pytest.importorskip("typer")
import typer

from siyu_sdk import __version__, cli
from siyu_sdk.cli.app import run
from siyu_sdk.cli.screen import HIDDEN, hide
from siyu_sdk.sandbox import Sandbox

Run = Callable[..., tuple[int, str, str]]
PROGRAM = [sys.executable, "-m", "siyu_sdk.cli"]
GET_CUSTOMER = ("call", "GET", "/cgi-bin/externalcontact/get")


@pytest.fixture
def siyu(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in [name for name in os.environ if name.startswith("SIYU_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")

    def siyu(*arguments: str) -> tuple[int, str, str]:
        code = run(list(arguments))
        return code, *capsys.readouterr()

    return siyu


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=7, customers=20, members=2, shops=1, days=5) as sandbox:
        yield sandbox


@pytest.fixture
def in_sandbox(siyu: Run, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Run:
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    return siyu


def unspaced(text: str) -> str:
    return re.sub(r"\s+", " ", text)


# The whole


def test_help_names_every_command(siyu: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []

    def demo(seed: Annotated[int, typer.Option(help="Decides on everything.")] = 7) -> None:
        """See the whole story
        run."""
        seeds.append(seed)

    monkeypatch.setitem(sys.modules, "siyu_sdk.cli.demo", types.SimpleNamespace(demo=demo))  # type: ignore[arg-type]
    code, shown, _ = siyu("--help")
    assert code == 0
    for command in ("demo", "sandbox", "worker", "endpoints", "call", "explain", "version"):
        assert f" {command} " in shown
    assert "See the whole story run." in shown
    assert siyu("demo", "--seed", "11")[0] == 0
    assert seeds == [11]


def test_what_it_takes_to_see_one_command_is_not_the_whole_package() -> None:
    code = "import sys; from siyu_sdk.cli.app import run; run(['version']); print(sorted(m for m in sys.modules if m in (%r, %r, %r)))"
    program = [sys.executable, "-c", code % ("dbos", "sqlalchemy", "siyu_sdk.sandbox.sandbox")]
    assert subprocess.run(program, capture_output=True, text=True, check=True).stdout.splitlines() == [__version__, "[]"]


def test_without_the_extra_of_the_demo_the_rest_still_works() -> None:
    code = "import sys; sys.modules |= dict.fromkeys(['sqlalchemy', 'dbos']); from siyu_sdk.cli.app import run; sys.exit(run(sys.argv[1:]))"
    program = [sys.executable, "-c", code]
    shown = subprocess.run([*program, "--help"], capture_output=True, text=True, check=True).stdout
    assert "siyu-sdk[sop]" in shown
    assert " explain " in shown
    asked = subprocess.run([*program, "demo"], capture_output=True, text=True, check=False)
    assert asked.returncode == 2
    assert asked.stderr.startswith("error: ")
    assert "siyu-sdk[sop]" in asked.stderr


@pytest.mark.parametrize("command", ["sandbox", "worker", "endpoints", "call", "explain", "version"])
def test_each_command_explains_itself(siyu: Run, command: str) -> None:
    code, shown, _ = siyu(command, "--help")
    assert code == 0
    assert f"siyu {command}" in shown


@pytest.mark.parametrize("arguments", [("--version",), ("version",)])
def test_version(siyu: Run, arguments: tuple[str, ...]) -> None:
    assert siyu(*arguments) == (0, f"{__version__}\n", "")


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(cli, "find_spec", lambda _name: None)
    assert cli.main() == 2
    assert 'pip install "siyu-sdk[cli]"' in capsys.readouterr().err


def test_an_unknown_command_is_a_mistake_of_usage(siyu: Run) -> None:
    assert siyu("nonsense")[0] == 2


# Looking things up


def test_endpoints_are_found_in_both_languages(siyu: Run) -> None:
    code, shown, beside = siyu("endpoints", "获取客户详情")
    assert code == 0
    assert "GET    /cgi-bin/externalcontact/get\n" in shown
    assert "wecom, Customers.get, page 92114" in shown
    assert "endpoint" in beside
    assert "/cgi-bin/externalcontact/mark_tag" in siyu("endpoints", "mark_TAG", "--platform", "wecom")[1]
    assert siyu("endpoints", "mark_tag", "--platform", "pay")[0] == 1
    assert len(siyu("endpoints")[1].splitlines()) > 100


def test_a_code_means_different_things_on_different_platforms(siyu: Run) -> None:
    code, shown, _ = siyu("explain", "40001")
    assert code == 0
    assert "wecom 40001" in shown
    assert "AuthenticationError" in shown
    assert "TokenExpired" in shown
    assert "TokenExpired" not in siyu("explain", "40001", "--platform", "wecom")[1]
    assert "pay PARAM_ERROR" in siyu("explain", "PARAM_ERROR")[1]


@pytest.mark.parametrize(("arguments", "said"), [(("424242424",), "not in the table"), (("40001", "-p", "weibo"), "one of wecom")])
def test_what_cannot_be_explained(siyu: Run, arguments: tuple[str, ...], said: str) -> None:
    code, _, error = siyu("explain", *arguments)
    assert code == 1
    assert said in unspaced(error)


# One call


def test_a_call_is_shown_not_sent(siyu: Run) -> None:
    code, shown, beside = siyu(*GET_CUSTOMER, "--data", '{"external_userid": "wm1"}')
    assert code == 0
    assert json.loads(shown) == {
        "method": "GET",
        "path": "/cgi-bin/externalcontact/get",
        "query": {"external_userid": "wm1"},
        "json": None,
    }
    assert "--send" in beside


def test_a_path_is_filled_and_a_body_built(siyu: Run, tmp_path: Path) -> None:
    given = tmp_path / "data.json"
    names = ("openid", "product_coupon_id", "stock_id", "appid", "out_request_no", "brand_id")
    given.write_text(json.dumps(dict.fromkeys(names, "x-123456") | {"openid": "oA", "coupon_code": "C/1"}))
    path = "/v3/marketing/partner/product-coupon/users/{openid}/coupons/{coupon_code}/confirm"
    code, shown, beside = siyu("call", "post", path, "-d", f"@{given}")
    assert code == 0, beside
    assert json.loads(shown)["path"].endswith("/users/oA/coupons/C%2F1/confirm")
    assert "openid" not in json.loads(shown)["json"]
    assert "--send" in beside


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((*GET_CUSTOMER, "-d", '{"external_userid": "wm1", "cursr": "x"}'), "cursr"),
        ((*GET_CUSTOMER, "-d", "{"), "--data is no JSON"),
        ((*GET_CUSTOMER, "-d", "[]"), "one JSON object"),
        ((*GET_CUSTOMER, "-d", "@/nowhere/at.all"), "cannot read /nowhere/at.all"),
        (("call", "POST", "/cgi-bin/stable_token"), "say which with --platform"),
        (("call", "POST", "/cgi-bin/new", "--send"), "say with --platform"),
        (("call", "GET", "/cgi-bin/user/get", "-d", '{"userid": "amy"}', "--send"), "no platform is configured"),
    ],
)
def test_mistakes_are_one_sentence(siyu: Run, arguments: tuple[str, ...], said: str) -> None:
    code, shown, error = siyu(*arguments)
    assert (code, shown) == (1, "")
    assert said in unspaced(error)
    assert "Traceback" not in error


def test_an_undeclared_path_is_shown_as_it_is(siyu: Run) -> None:
    code, shown, beside = siyu("call", "POST", "/cgi-bin/new", "-d", '{"a": 1}')
    assert code == 0
    assert json.loads(shown) == {"method": "POST", "path": "/cgi-bin/new", "query": {}, "json": {"a": 1}}
    assert "not declared" in beside


def test_a_call_is_sent_with_the_credentials_of_the_environment(in_sandbox: Run, sandbox: Sandbox) -> None:
    code, shown, error = in_sandbox("call", "GET", "/cgi-bin/externalcontact/get_follow_user_list", "--send")
    assert code == 0, error
    assert len(json.loads(shown)["follow_user"]) == 2
    code, shown, error = in_sandbox("call", "POST", "/cgi-bin/externalcontact/get_corp_tag_list", "--send")
    assert code == 0, error
    assert json.loads(shown)["errcode"] == 0
    code, shown, error = in_sandbox(*GET_CUSTOMER, "-d", '{"external_userid": "nobody"}', "--send")
    assert (code, shown) == (1, "")
    assert "GET /cgi-bin/externalcontact/get" in error


def test_a_path_that_is_not_declared_is_sent_too(in_sandbox: Run) -> None:
    code, _, error = in_sandbox("call", "POST", "/cgi-bin/no/such/path", "--platform", "wecom", "--send")
    assert code == 1
    assert "/cgi-bin/no/such/path" in error


def test_no_secret_is_printed(in_sandbox: Run, sandbox: Sandbox) -> None:
    ids = sandbox.credentials
    data = json.dumps({"corpid": ids.corpid, "corpsecret": ids.corpsecret})
    dry = in_sandbox("call", "GET", "/cgi-bin/gettoken", "-d", data)
    sent = in_sandbox("call", "GET", "/cgi-bin/gettoken", "-d", data, "--send")
    assert json.loads(dry[1])["query"]["corpsecret"] == HIDDEN
    assert json.loads(sent[1])["access_token"] == HIDDEN
    assert ids.corpsecret not in "".join((*map(str, dry), *map(str, sent)))


def test_hiding_goes_by_names_and_leaves_the_rest() -> None:
    assert hide({"list": [{"session_key": "k", "next_cursor": "c"}], "errcode": 0, "secret": "", "token": "t"}) == {
        "list": [{"session_key": HIDDEN, "next_cursor": "c"}],
        "errcode": 0,
        "secret": "",
        "token": HIDDEN,
    }


# What keeps running


def start(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen([*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def test_the_sandbox_runs_until_ctrl_c_and_says_how_to_use_it(tmp_path: Path) -> None:
    settings = tmp_path / "sandbox.env"
    program = start("sandbox", "--port", "0", "--seed", "3", "--customers", "5", "--env-file", str(settings))
    try:
        assert program.stderr
        assert "Ctrl-C" in program.stderr.readline()
        asked = subprocess.run(
            [
                "/bin/sh",
                "-c",
                f'. {settings} && exec "$0" "$@"',
                *PROGRAM,
                "call",
                "GET",
                "/cgi-bin/externalcontact/get_follow_user_list",
                "--send",
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert asked.returncode == 0, asked.stderr
        assert json.loads(asked.stdout)["follow_user"]
        program.send_signal(signal.SIGINT)
        shown, _ = program.communicate(timeout=10)
        assert program.returncode == 0
        assert "Monday 09:3" in shown
        assert "/advance" in shown
        assert f"source {settings}" in shown
        assert "PRIVATE KEY" not in shown
    finally:
        program.kill()
        program.communicate()


def test_a_port_that_is_taken_is_said(siyu: Run, sandbox: Sandbox) -> None:
    port = sandbox.wecom_url.rpartition(":")[2]
    code, _, error = siyu("sandbox", "--port", port)
    assert code == 1
    assert "choose another" in unspaced(error)


def test_a_worker_needs_credentials_and_a_database(siyu: Run, in_sandbox: Run) -> None:
    code, _, error = in_sandbox("worker", "--ledger", "mysql://user:hush@host/db")
    assert code in (1, 2)
    assert "hush" not in error


def test_a_worker_runs_until_ctrl_c(sandbox: Sandbox, tmp_path: Path) -> None:
    pytest.importorskip("dbos")
    url = f"sqlite:///{tmp_path / 'siyu.db'}"
    program = start("worker", "--ledger", url, "--name", "worker-9", env={**os.environ, **sandbox.environment()})
    try:
        assert program.stderr
        assert program.stderr.readline().startswith("worker-9 works on sqlite:///")
        time.sleep(1)
        program.send_signal(signal.SIGINT)
        _, error = program.communicate(timeout=10)
        assert program.returncode == 130, error
        assert "worker-9 has stopped" in error
        assert sandbox.credentials.corpsecret not in error
    finally:
        program.kill()
        program.communicate()
