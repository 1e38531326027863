"""The reference of the documentation site, made from signatures and docstrings while mkdocs builds; `mkdocs.yml` names it as a hook.

A page for each chapter of each platform, one for the helpers, in both languages: the words around differ, the docstrings are the same.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from enum import Enum
from functools import cached_property
from types import FunctionType
from typing import Any, NamedTuple

from siyu_sdk import MiniProgram, Pay, Siyu, Store, WeCom
from siyu_sdk.core.call import Spec
from siyu_sdk.core.endpoint import Endpoint, FlowMethod, Paged
from siyu_sdk.core.model import Reply, WireModel

CLIENTS = {"wecom": WeCom, "miniprogram": MiniProgram, "store": Store, "pay": Pay, "siyu": Siyu}
TITLES = {
    "en": {"wecom": "WeCom", "miniprogram": "Mini-program", "store": "WeChat store", "pay": "WeChat Pay", "siyu": "Helpers"},
    "zh": {"wecom": "企业微信", "miniprogram": "小程序", "store": "微信小店", "pay": "微信支付", "siyu": "运营接口"},
}
WORDS = {
    "en": {
        "nav": "Reference",
        "page": "official page",
        "reply": "reply",
        "pages": "An iterator, page after page; `async for` on the async client.",
        "flow": "Makes several calls.",
        "clients": "The async twin has the same tree and the same arguments. What all clients can be told: [Clients](../../clients.md).",
        "chapters": "Chapters:",
    },
    "zh": {
        "nav": "接口参考",
        "page": "官方文档",
        "reply": "返回字段",
        "pages": "迭代器，自动翻页；异步客户端上用 `async for`。",
        "flow": "会发出多次调用。",
        "clients": "异步客户端的结构和参数完全相同。各客户端共有的选项见[客户端](../../clients.md)。",
        "chapters": "各章接口：",
    },
}
WIDTH = 110
STARS: dict[Any, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
PLACES = {"en": "reference", "zh": "zh/reference"}
SECTIONS = {"en": "English", "zh": "中文"}
HELPERS = {"audience": "人群", "tags": "标签", "broadcast": "群发", "coupons": "发券", "sidebar": "侧边栏", "sop": "SOP"}
OFFICIAL = {"wecom": "https://developer.work.weixin.qq.com/document/path/{}", "pay": "https://pay.weixin.qq.com/doc/v3/partner/{}"}
TITLE = re.compile(r"\(([^()]*[\u4e00-\u9fff][^()]*)\)")
"""The official title in a docstring's first line."""


class Chapter(NamedTuple):
    """One attribute of a client, and the class behind it."""

    platform: str
    name: str
    about: str
    resource: type[Any]

    def title(self, language: str) -> str:
        """What the navigation calls it: the attribute, in Chinese with the official title."""
        official = TITLE.search(self.about)
        chinese = HELPERS.get(self.name, "") if self.platform == "siyu" else official[1] if official else ""
        return f"{chinese} · {self.name}" if language == "zh" and chinese else f"{self.platform}.{self.name}"


def chapters(platform: str) -> Iterator[Chapter]:
    """The resources of a client, in the order of its source."""
    seen = dict[str, cached_property[Any]]()
    for base in reversed(CLIENTS[platform].__mro__):
        seen |= {name: value for name, value in vars(base).items() if isinstance(value, cached_property)}
    for name, value in seen.items():
        result = str(value.func.__annotations__.get("return", ""))
        module, doc = inspect.getmodule(value.func), value.func.__doc__ or ""
        if not result.endswith("[M]") or module is None:
            continue  # the ledger and the engine are no resources
        found = re.search(rf"from (\.\S+) import {re.escape(result[:-3])}$", inspect.getsource(value.func), re.MULTILINE)
        home = importlib.import_module(found[1], module.__package__) if found else module
        yield Chapter(platform, name, " ".join(doc.split()), getattr(home, result[:-3]))


def prose(doc: str) -> str:
    """A docstring as Markdown: the list of errors becomes a list, all else stays."""
    lines, raises = list[str](), False
    for line in inspect.cleandoc(doc).splitlines():
        if line.strip() == "Raises:":
            raises = True
            lines += ["Raises:", ""]
        elif raises and (entry := re.match(r"    (\w+(?:, \w+)*): (.*)", line)):
            lines.append(f"- {', '.join(f'`{name}`' for name in entry[1].split(', '))}: {entry[2]}")
        else:
            lines.append(line)
    return "\n".join(lines)


def kind(function: Any) -> str:
    """Whether a method is an endpoint, a list that comes in pages, a flow, or a plain function; "" for all else."""
    for name, made in (("endpoint", Endpoint), ("pages", Paged), ("flow", FlowMethod), ("plain", FunctionType)):
        if isinstance(function, made):
            return name
    return ""


def plain(annotation: Any) -> str:
    """A type as it is written, without what only says where a parameter goes."""
    return re.sub(r"Annotated\[(.+), (?:Query|Body|File|Spread)\]$", r"\1", str(annotation))


def argument(parameter: inspect.Parameter) -> str:
    """One parameter as it is written."""
    stars = STARS.get(parameter.kind, "")
    text = f"{stars}{parameter.name}: {plain(parameter.annotation)}"
    if parameter.default is not parameter.empty:
        default = parameter.default
        text += f" = {f'{type(default).__name__}.{default.name}' if isinstance(default, Enum) else repr(default)}"
    return text


def result(function: Any) -> str:
    """What a method gives on a client: the reply in place of the call, the items in place of the first page."""
    text = str(inspect.signature(function).return_annotation)
    inner = re.sub(r"^(?:Call|Flow)\[(.*)\]$", r"\1", text)
    if kind(function) == "pages":
        items = eval(inner, inspect.unwrap(function).__globals__).items  # noqa: S307 -- our own annotations
        return re.sub(r"^\w+", "Iterator", str(items.__annotations__["return"]))
    return inner


def signature(name: str, function: Any) -> str:
    """A call as code, on one line where it fits."""
    parts, only = list[str](), False
    for parameter in inspect.signature(function).parameters.values():
        if parameter.name in ("self", "_"):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not only and not any(part.startswith("*") for part in parts):
            parts.append("*")
        only = only or parameter.kind is parameter.KEYWORD_ONLY
        parts.append(argument(parameter))
    end = "" if (given := result(function)) in ("Any", "None") else f" -> {given}"
    line = f"{name}({', '.join(parts)}){end}"
    return line if len(line) <= WIDTH else f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){end}"


def method(owner: str, name: str, function: Any, where: str = "") -> str:
    """One method: its signature, where it goes, its docstring."""
    code = f"```python\n{signature(f'{owner}.{name}', function)}\n```"
    parts = (f"## {name} {{ #{name} }}", code, where, prose(function.__doc__ or ""))
    return "\n\n".join(part for part in parts if part)


def methods(chapter: Chapter, language: str) -> Iterator[str]:
    """Each public method of a chapter, in the order of its source."""
    words, found = WORDS[language], dict[str, Any]()
    for base in reversed(chapter.resource.__mro__):
        found |= vars(base)
    for name, value in found.items():
        called: Any = value.__func__ if isinstance(value, staticmethod) else value
        if name.startswith("_") or not kind(called):
            continue
        where = words["pages"] if kind(called) == "pages" else ""
        if kind(called) == "endpoint":
            spec: Spec[Any] = called.spec
            link = OFFICIAL[chapter.platform].format(spec.docs) if isinstance(spec.docs, int) else spec.docs
            where = f"`{spec.method} {spec.path}` · [{words['page']}]({link})"
            if reply := fields(spec.reply):
                where += f" · {words['reply']}: {reply}"
        elif kind(called) == "flow" and chapter.platform != "siyu":
            where = words["flow"]
        yield method(f"{chapter.platform}.{chapter.name}", name, called, where)


def fields(reply: Any) -> str:
    """The fields of a reply, those that every reply has left out."""
    if not (inspect.isclass(reply) and issubclass(reply, WireModel)):
        return ""
    return ", ".join(f"`{name}`" for name in reply.model_fields if name not in Reply.model_fields)


def page(chapter: Chapter, language: str) -> str:
    """The Markdown of one chapter."""
    head = f"# {chapter.title(language)}\n\n`{chapter.platform}.{chapter.name}`: {chapter.about}"
    return "\n\n".join([head, *methods(chapter, language)]) + "\n"


def overview(platform: str, language: str) -> str:
    """The Markdown of one client: how it is made, what it does itself, its chapters."""
    words, client = WORDS[language], CLIENTS[platform]
    made = signature(client.__name__, client)
    parts = [f"# {TITLES[language][platform]}", f"```python\n{made}\n```", prose(client.__doc__ or ""), words["clients"]]
    parts += [words["chapters"], "\n".join(f"- [`{platform}.{c.name}`]({c.name}.md): {c.about}" for c in chapters(platform))]
    for name in ("send", "run", "raw", "request", "ticket", "from_env", "close"):
        if (function := getattr(client, name, None)) is not None:
            parts.append(method("Siyu" if name == "from_env" else platform, name, function))
    return "\n\n".join(parts) + "\n"


def path(chapter: Chapter, language: str) -> str:
    """Where its page stands below docs."""
    return f"{PLACES[language]}/{chapter.platform}/{chapter.name}.md"


def on_config(config: Any) -> Any:
    """Put the reference behind the guides of each language."""
    for section in config.nav:
        for language, title in SECTIONS.items():
            if title in section:
                entries = [
                    {
                        TITLES[language][platform]: [
                            f"{PLACES[language]}/{platform}/index.md",
                            *({c.title(language): path(c, language)} for c in chapters(platform)),
                        ]
                    }
                    for platform in CLIENTS
                ]
                section[title].append({WORDS[language]["nav"]: entries})
    return config


def on_files(files: Any, config: Any) -> Any:
    """Add the pages."""
    made = importlib.import_module("mkdocs.structure.files").File.generated
    for platform in CLIENTS:
        for language, place in PLACES.items():
            files.append(made(config, f"{place}/{platform}/index.md", content=overview(platform, language)))
            for chapter in chapters(platform):
                files.append(made(config, path(chapter, language), content=page(chapter, language)))
    return files


def on_post_page(output: str, page: Any, **_: Any) -> str:
    """Say to browsers and screen readers which language a page is in."""
    return output.replace('<html lang="en"', '<html lang="zh-CN"', 1) if page.file.src_uri.startswith("zh/") else output
