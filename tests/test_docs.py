"""README and guides tell the truth: their code runs on the sandbox, in both languages, and both languages tell the same.

The guides to the chapters of WeCom have a test of their own, in `tests/wecom/test_guides.py`.
"""

from __future__ import annotations

import ast
import asyncio
import importlib
import inspect
import logging
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import siyu_sdk
from siyu_sdk import AsyncWeCom, MiniProgram, Pay, Siyu, WeCom
from siyu_sdk.caches import MemoryTokenCache
from siyu_sdk.callbacks import MemorySeen
from siyu_sdk.limits import MemoryLimiter
from siyu_sdk.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(page.name for page in DOCS.glob("*.md"))
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CONSOLE = re.compile(r"^\$ siyu (.+?)(?: {2,}#.*)?$", re.MULTILINE)
RUN = ("index", "getting-started", "concepts", "clients", "broadcast", "coupons", "sop", "callbacks", "sidebar", "tokens", "rate-limits",
       "observability", "sandbox", "errors", "media")  # fmt: skip


def blocks(page: Path) -> list[str]:
    return BLOCK.findall(page.read_text(encoding="utf-8"))


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """What the pages take as given: a brand's credentials, its clients, and an environment that names them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "durian.jpg").write_bytes(b"\xff\xd8\xff" + bytes(100))
    monkeypatch.setattr("siyu_sdk.caches.RedisTokenCache", lambda _url: MemoryTokenCache())  # the stores have tests of their own
    monkeypatch.setattr("siyu_sdk.limits.RedisLimiter", lambda _url: MemoryLimiter())
    monkeypatch.setattr("siyu_sdk.callbacks.RedisSeen", lambda _url: MemorySeen())
    with Sandbox(seed=7, members=4, customers=120) as sandbox:
        for client, url in ((WeCom, sandbox.wecom_url), (AsyncWeCom, sandbox.wecom_url), (Pay, sandbox.pay_url)):
            monkeypatch.setattr(client, "host", url)
        monkeypatch.setattr(MiniProgram, "host", sandbox.miniprogram_url)
        for name, value in sandbox.environment().items():
            monkeypatch.setenv(name, value)
        ids = sandbox.credentials
        with sandbox.siyu(ledger="sqlite://") as siyu:
            siyu.ledger.learn(siyu.appid, [(login.unionid, login.openid) for login in sandbox.logins() if login.unionid])
            bought = siyu.audience.select(siyu.audience.bought("榴莲", times=2))
            siyu.tags.apply([person.external_userid for person in bought[:3]], add=["会员等级/金卡", "购买/榴莲"])
            assert siyu.wecom is not None
            amy = siyu.wecom.customers.follow_users().follow_user[0]
            yield {
                "sandbox": sandbox,
                "siyu": siyu,
                "wecom": siyu.wecom,
                "pay": siyu.pay,
                "users": [SimpleNamespace(unionid=login.unionid, openid=login.openid) for login in sandbox.logins() if login.unionid],
                "corpid": ids.corpid,
                "corpsecret": ids.corpsecret,
                "token": ids.callback_token,
                "encoding_aes_key": ids.callback_aes_key,
                "secret": ids.miniprogram_secret,
                "appid": ids.miniprogram_appid,
                "mchid": ids.mchid,
                "serial_no": ids.serial_no,
                "private_key": ids.private_key,
                "api_v3_key": ids.api_v3_key,
                "public_key": ids.public_key,
                "public_key_id": ids.public_key_id,
                "product_coupon_id": ids.product_coupon_id,
                "stock_id": ids.stock_id,
                "brand_id": ids.brand_id,
                "coupon": siyu_sdk.Coupon(ids.product_coupon_id, ids.stock_id, ids.miniprogram_appid, ids.brand_id),
                "buyers": siyu.audience.bought("榴莲"),
                "owner": amy,
                "amy": amy,
                "external_userid": siyu.wecom.customers.list(amy).external_userid[0],
                "chat_id": sandbox.wecom.member_opens_chat(amy, "门店群"),
                "ten_thousand": siyu.wecom.customers.list(amy).external_userid,
                "tag": siyu.tags.ensure("购买/榴莲")["购买/榴莲"],
                **dict(zip(("headers", "body"), notice(sandbox), strict=True)),
                "database": SimpleNamespace(save=lambda *_: None),
                "session_key": "a key of the sandbox",
            }


def notice(sandbox: Sandbox) -> tuple[dict[str, str], bytes]:
    """A genuine notice of WeChat Pay, as the receiver of a request has it."""
    come = list[tuple[dict[str, str], bytes]]()

    class Receiver(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Stay quiet."""

        def do_POST(self) -> None:
            come.append((dict(self.headers.items()), self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(204)
            self.end_headers()

    ids, login = sandbox.credentials, sandbox.logins()[0]
    with HTTPServer(("127.0.0.1", 0), Receiver) as server, sandbox.pay_client() as pay:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sandbox.pay_callback_url = f"http://127.0.0.1:{server.server_port}/"
        pay.product_coupons.send(
            login.openid,
            appid=ids.miniprogram_appid,
            product_coupon_id=ids.product_coupon_id,
            stock_id=ids.stock_id,
            send_request_no="from-another-channel",
            brand_id=ids.brand_id,
        )
        sandbox.advance(seconds=5)
        server.shutdown()
        sandbox.pay_callback_url = None
    return come[0]


CLIENTS = ("wecom", "siyu", "pay")
"""What a block may close, and the next one takes as open."""


def run(page: Path, given: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """Run a page from the first block to the last, as a reader would, but for the clients: those are always open."""
    names = {**given, "__name__": "__main__"}
    made = list[Any]()

    async def all_blocks() -> None:
        async with AsyncWeCom(given["corpid"], given["corpsecret"], clock=given["sandbox"].clock) as async_wecom:
            for number, code in enumerate(blocks(page), 1):
                if code.startswith("# worker.py"):
                    (tmp_path / "worker.py").write_text(code, encoding="utf-8")
                    continue
                names.update({name: given[name] for name in CLIENTS}, async_wecom=async_wecom)
                before = set(names)
                compiled = compile(code, f"{page.name}, block {number}", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
                if compiled.co_flags & inspect.CO_COROUTINE:
                    await eval(compiled, names)  # noqa: S307 -- our own pages
                else:
                    await asyncio.to_thread(exec, compiled, names)
                for name in names.keys() - before:
                    if name.startswith("test_"):
                        await asyncio.to_thread(names[name])
                made.extend(value for value in names.values() if isinstance(value, WeCom | Siyu))

    asyncio.run(all_blocks())
    for client in made:
        client.close()
    return names


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_the_readme_runs(readme: str, world: dict[str, Any], tmp_path: Path) -> None:
    run(ROOT / readme, world, tmp_path)


@pytest.mark.parametrize("language", ["", "zh"])
@pytest.mark.parametrize("guide", RUN)
def test_a_guide_runs(guide: str, language: str, world: dict[str, Any], tmp_path: Path) -> None:
    level = logging.getLogger("siyu_sdk").level
    names = run(DOCS / language / f"{guide}.md", world, tmp_path)
    logging.getLogger("siyu_sdk").setLevel(level)
    assert world["sandbox"].invariants() == []
    if guide == "sidebar":
        sidebar(names, world)


def sidebar(names: dict[str, Any], world: dict[str, Any]) -> None:
    """What the guide builds: a login leads to a session, and nobody without one sees a customer."""
    browser = names["app"].test_client()
    customer = world["wecom"].customers.list(world["owner"]).external_userid[0]
    assert browser.get(f"/customers/{customer}").status_code == 401
    assert browser.get("/login").location.startswith("https://open.weixin.qq.com/connect/oauth2/authorize?")
    assert browser.get("/back?code=1&state=of-somebody-else").status_code == 403
    with browser.session_transaction() as session:
        session["userid"] = world["owner"]
    assert browser.get(f"/customers/{customer}").get_json()["name"]
    assert browser.get("/customers/wm-nobody").status_code == 403
    signed = names["signatures"]("https://crm.example.com/sidebar?shop=1#top")
    assert signed["config"]["jsApiList"] == signed["agentConfig"]["jsApiList"]


@pytest.mark.parametrize("page", [*PAGES, "README.md"])
def test_both_languages_tell_the_same(page: str) -> None:
    """Twins have the same code, but for its comments and Chinese texts."""
    here, there = (ROOT / page, ROOT / "README.zh-CN.md") if page == "README.md" else (DOCS / page, DOCS / "zh" / page)
    assert [shape(code) for code in blocks(here)] == [shape(code) for code in blocks(there)]


def shape(code: str) -> str:
    tree = ast.parse(code)
    printed = {
        id(part) for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "print" for part in node.args
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and (id(node) in printed or not node.value.isascii()):
            node.value = ""
    return ast.unparse(tree)


def test_every_page_has_its_twin() -> None:
    assert sorted(page.name for page in (DOCS / "zh").glob("*.md")) == PAGES


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md", "CONTRIBUTING.md"])
def test_links_of_pages_outside_the_site_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", (ROOT / page).read_text(encoding="utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_commands_of_the_guides_are_commands(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each `siyu …` that a guide shows is one that the program knows, options and all; lookups are run."""
    pytest.importorskip("typer")
    from siyu_sdk.cli.app import run as siyu

    monkeypatch.setenv("COLUMNS", "200")
    told = {command for page in DOCS.rglob("*.md") for command in CONSOLE.findall(page.read_text(encoding="utf-8"))}
    assert {"demo", "sandbox", "worker"} & {command.split()[0] for command in told}
    for command in sorted(told):
        words = command.split()
        runs = words[0] in ("endpoints", "explain")
        code = siyu(words if runs else [words[0], "--help"])
        shown = capsys.readouterr().out
        assert code == 0, command
        assert runs or all(word in shown for word in words if word.startswith("--")), command


def test_what_the_pages_import_is_there() -> None:
    """Also where a page cannot be run: providers' guides need companies that installed something."""
    for page in [*DOCS.rglob("*.md"), ROOT / "README.md"]:
        for code in blocks(page):
            for node in ast.walk(ast.parse(code)):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("siyu_sdk"):
                    home = importlib.import_module(node.module or "")
                    missing = [name.name for name in node.names if not hasattr(home, name.name)]
                    assert not missing, f"{page.name}: {node.module} has no {', '.join(missing)}"
