"""The figures that ship with the package, and which of them hold for a call."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from siyu_sdk import InputError, WeCom, endpoints
from siyu_sdk.core.rules import Rulebook, table
from siyu_sdk.limits import Limit, Refusal, rules_for

ROOT = Path(__file__).parent.parent.parent
GET = "/cgi-bin/externalcontact/get"


def limits(book: Rulebook, path: str, declared: Limit | None = None, method: str = "GET") -> dict[str, Limit]:
    return {rule.key: rule.limit for rule in book.rules(method, path, declared)}


def test_the_table_is_in_its_form() -> None:
    done = subprocess.run([sys.executable, ROOT / "scripts" / "limits_table.py", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ('"limit": 10000, "seconds": 60', '"limit": 0, "seconds": 60'),
        ('"seconds": 3600', '"seconds": 3601'),
        ('"confidence": "high"', '"confidence": "sure"'),
        ('"unit": "calls", "scope": "ip", "code": 45009', '"unit": "calls", "scope": "ip", "code": ""'),
    ],
)
def test_a_broken_table_is_found(change: str, message: str, tmp_path: Path) -> None:
    copy = shutil.copytree(ROOT / "scripts", tmp_path / "scripts") / "limits_table.py"
    data = tmp_path / "src" / "siyu_sdk" / "core" / "data"
    data.mkdir(parents=True)
    good = (ROOT / "src" / "siyu_sdk" / "core" / "data" / "limits.json").read_text(encoding="utf-8")
    assert change in good
    (data / "limits.json").write_text(good.replace(change, message, 1), encoding="utf-8")
    done = subprocess.run([sys.executable, copy, "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr


def test_facts_are_taken_over_where_a_machine_can_use_them(tmp_path: Path) -> None:
    copy = shutil.copytree(ROOT / "scripts", tmp_path / "scripts") / "limits_table.py"
    fact = {
        "group": "wecom.x",
        "api": ["/x"],
        "what": "calls",
        "scope": "corp",
        "error_code": 45009,
        "confidence": "high",
        "source": "s",
        "note": "",
    }
    figures: list[tuple[Any, str]] = [
        ("100,000/h; 480,000/day", ""),
        (20, "per minute"),
        (64, "bytes"),
        ("100", "entries"),
        ("as many as one likes", "per day"),
        (None, "per day"),
        (3, "days"),
    ]
    rows = [{**fact, "what": f"w{n}", "limit": limit, "unit": unit} for n, (limit, unit) in enumerate(figures)]
    import json

    (tmp_path / "facts.json").write_text(json.dumps({"limits": rows}), encoding="utf-8")
    merge = [sys.executable, copy, "--merge", tmp_path / "facts.json"]
    said = subprocess.run(merge, check=True, capture_output=True, text=True).stdout
    assert [line.split(": ", 2)[2] for line in said.splitlines()[:3]] == [
        "w4: in words: its declaration keeps to what can be told before sending, the platform counts the rest",
        "w5: no figure is published: refusals teach",
        "w6: a time, not an amount: its endpoint's documentation says it",
    ]
    made = json.loads((tmp_path / "src" / "siyu_sdk" / "core" / "data" / "limits.json").read_text(encoding="utf-8"))
    found = [(row["kind"], row["limit"], row["seconds"]) for row in made]
    assert found == [("rate", 20, 60), ("rate", 100_000, 3600), ("rate", 480_000, 86400), ("size", 64, None), ("size", 100, None)]
    rows.append({**fact, "what": "w9", "limit": 7, "unit": "bananas"})
    (tmp_path / "facts.json").write_text(json.dumps({"limits": rows}), encoding="utf-8")
    refused = subprocess.run(merge, check=False, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "w9: 7 bananas: no row, and no reason to leave it out" in refused.stderr


def test_the_rules_of_an_api_are_looked_up_by_its_path() -> None:
    found = {(figure.scope, figure.seconds): figure.limit for figure in rules_for("wecom", GET) if figure.enforced}
    assert found == {
        ("account+api", 60): 10_000,
        ("account+api", 3600): 150_000,
        ("ip", 60): 20_000,
        ("ip", 3600): 600_000,
    }
    assert any(figure.kind == "size" and figure.limit == 9 for figure in rules_for("wecom", "/cgi-bin/externalcontact/add_msg_template"))
    assert [figure.limit for figure in rules_for("pay", "/v3/marketing/favor/stocks/{stock_id}/items")] == [600]
    assert rules_for("pay", "/v3/unknown") == ()


def test_nothing_that_nobody_is_sure_of_holds_a_call_back() -> None:
    unsure = [figure for figure in table() if figure.confidence in ("low", "none")]
    assert unsure
    assert not any(figure.enforced for figure in unsure)
    assert all(figure.limit and (figure.seconds or figure.kind == "concurrency") for figure in table() if figure.enforced)


def test_what_a_call_counts_for() -> None:
    book = Rulebook("wecom", "wecom:ww1", "app-1")
    assert limits(book, GET) == {
        f"wecom:ww1:GET {GET}": Limit(per_minute=10_000, per_hour=150_000),
        "ip:wecom": Limit(per_minute=20_000, per_hour=600_000),
    }
    ticket = limits(book, "/cgi-bin/get_jsapi_ticket")
    assert ticket["wecom:ww1:GET /cgi-bin/get_jsapi_ticket"].per_hour == 400, "an API's own figure goes before that of each"
    assert ticket["app-1:GET /cgi-bin/get_jsapi_ticket"] == Limit(per_hour=100)
    assert limits(book, "/cgi-bin/message/send", method="POST")["wecom:ww1:POST /cgi-bin/message/send"] == Limit()
    assert limits(Rulebook("official", "o"), "/cgi-bin/message/mass/get", method="POST") == {
        "o:POST /cgi-bin/message/mass/get": Limit(),
        "o:/cgi-bin/message/mass/*": Limit(per_minute=60),
    }


def test_paths_of_one_family_count_together_where_the_platform_says_so() -> None:
    book = Rulebook("wecom", "w", own={"ip": None})
    made, edited = (limits(book, f"/cgi-bin/externalcontact/customer_strategy/{name}", method="POST") for name in ("create", "edit"))
    (family,) = made.keys() & edited.keys()
    assert made[family] == edited[family] == Limit(concurrent=1), "changes are made one after another"
    assert family not in limits(book, "/cgi-bin/externalcontact/customer_strategy/list", method="POST")


def test_product_coupons_have_their_own_figures_for_users_and_for_management() -> None:
    for prefix in ("/v3/marketing/partner/product-coupon", "/brand/marketing/product-coupon"):
        book = Rulebook("pay", "p")
        send = limits(book, f"{prefix}/users/{{openid}}/coupons", method="POST")
        confirm = limits(book, f"{prefix}/users/{{openid}}/coupons/{{coupon_code}}/confirm", method="POST")
        assert list(send.values()) == list(confirm.values()) == [Limit(per_second=500)]
        assert not send.keys() & confirm.keys()
        assert [limit.per_second for limit in limits(book, f"{prefix}/product-coupons/{{id}}/stocks", method="POST").values()] == [20]
        assert [limit.per_second for limit in limits(book, f"{prefix}/media/upload-image", method="POST").values()] == [500]


def test_what_is_declared_goes_before_the_table_and_what_a_client_was_told_before_both() -> None:
    mark = "/cgi-bin/externalcontact/mark_tag"
    declared = Limit(concurrent=5, per_minute=7)
    key = f"wecom:ww1:POST {mark}"
    assert limits(Rulebook("wecom", "wecom:ww1"), mark, declared, "POST")[key] == Limit(concurrent=5, per_minute=7, per_hour=150_000)
    own = Rulebook("wecom", "wecom:ww1", own={"*": Limit(per_hour=9_000_000), mark: Limit(concurrent=9), "ip": None})
    assert limits(own, mark, declared, "POST") == {key: Limit(concurrent=9, per_minute=7, per_hour=9_000_000)}
    assert limits(Rulebook("wecom", "wecom:ww1", own={mark: None}), mark, declared, "POST")[key] == Limit()


def test_what_a_client_was_told_goes_before_the_figures_of_an_app_too() -> None:
    path = "/cgi-bin/get_jsapi_ticket"
    for own in ({path: None}, {"*": None}, {f"GET {path}": None}):
        assert limits(Rulebook("wecom", "w", "app", {**own, "ip": None}), path) == {f"w:GET {path}": Limit()}
    more = limits(Rulebook("wecom", "w", "app", {path: Limit(per_hour=900)}), path)
    assert (more[f"w:GET {path}"].per_hour, more[f"app:GET {path}"].per_hour) == (900, 900)


def test_a_path_is_meant_whatever_its_placeholders_are_called() -> None:
    path = "/v3/marketing/favor/stocks/{stock_id}/items"
    own = Rulebook("pay", "p", own={"/v3/marketing/favor/stocks/{id}/items": Limit(per_minute=7)})
    assert limits(own, path) == {"p:GET /v3/marketing/favor/stocks/{}/items": Limit(per_minute=7)}


def test_free_calls_with_ids_in_their_paths_count_together() -> None:
    book = Rulebook("pay", "p")
    keys = {rule.key for n in range(3) for rule in book.rules("GET", f"/v3/marketing/favor/stocks/{n}/items?limit=1", None)}
    declared = book.rules("GET", "/v3/marketing/favor/stocks/{stock_id}/items", None)
    assert keys == {rule.key for rule in declared}
    assert declared[0].limit == Limit(per_minute=600)


@pytest.mark.parametrize("own", [{"mark_tag": Limit()}, {"": None}, {"/cgi-bin/x": 5}, {"*": "10/s"}, {"/cgi-bin/x/*": None}])
def test_figures_that_make_no_sense_are_refused_when_the_client_is_made(own: Any) -> None:
    with pytest.raises(InputError, match="limits") as caught:
        WeCom("ww1", "s", limits=own)
    assert caught.value.field == "limits"


def test_free_calls_with_ids_in_their_paths_fill_no_memory() -> None:
    book = Rulebook("pay", "pay:1")
    for n in range(5000):
        book.rules("GET", f"/v3/anything/{n}?x=1", None)
    assert len(book._known) <= Rulebook.MOST


def test_a_refusal_says_which_window_is_shut() -> None:
    book = Rulebook("wecom", "wecom:ww1")
    rules = book.rules("GET", GET, None)
    assert book.refusal(rules, 45033, None) == Refusal(concurrent=True, seconds=0)
    assert book.refusal(rules, 45009, None) == Refusal(concurrent=False, seconds=60)
    assert book.refusal(rules, 45009, 17.0).seconds == 17
    pay = Rulebook("pay", "pay:1")
    assert pay.refusal(pay.rules("POST", "/v3/x", None), "FREQUENCY_LIMITED", None).seconds == 1
    assert pay.refusal((), 429, None).seconds == 1


def test_every_endpoint_has_rules_of_its_own() -> None:
    books = {platform: Rulebook(platform, platform) for platform in ("wecom", "miniprogram", "store", "pay")}
    for spec in endpoints():
        rules = books[spec.platform].rules(spec.method, spec.path, spec.limit)
        assert spec.path.partition("{")[0] in rules[0].key
        assert spec.platform != "wecom" or spec.path == "/cgi-bin/message/send" or rules[0].limit.per_minute
