"""The store platform's error codes: those of the mini-program, for both are one family of APIs.

The platform publishes no numbers for most refusals of its order calls; those stand under the general 40097 here.
"""

from __future__ import annotations

from ..miniprogram.errors import TABLE, refusal

__all__ = ["TABLE", "refusal"]
