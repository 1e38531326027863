"""What mini-programs share with the other accounts of api.weixin.qq.com: stable tokens, and third-party platforms."""

from __future__ import annotations

from ..weixin.component import Components as SharedComponents
from ..weixin.tokens import StableTokens
from .resource import M, MiniProgramResource


class Tokens(StableTokens[M], MiniProgramResource[M]):
    """Tokens (接口调用凭据). Clients fetch them by themselves; nobody needs to call it."""


class Components(SharedComponents[M], MiniProgramResource[M]):
    """Third-party platforms (第三方平台调用凭证)."""
