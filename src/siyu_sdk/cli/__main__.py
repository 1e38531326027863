"""`python -m siyu_sdk.cli`: the same as `siyu`."""

from __future__ import annotations

import sys

from . import main

sys.exit(main())
