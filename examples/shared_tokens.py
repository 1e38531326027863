"""Several processes share one token, and many companies one process. Runs on the sandbox: python examples/shared_tokens.py."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from siyu_sdk import Attempt, Hooks, WeCom
from siyu_sdk.caches import FileTokenCache
from siyu_sdk.sandbox import Sandbox
from siyu_sdk.tenants import Options, Tenants


def tell(attempt: Attempt) -> None:
    """Say when a token is fetched: it happens once in all."""
    if attempt.path == "/cgi-bin/gettoken":
        print("a token is fetched", flush=True)


def worker() -> None:
    """One of the processes: the folder is what they share."""
    cache = FileTokenCache(os.environ["TOKENS"])
    options: Options = {"base_url": os.environ["URL"], "cache": cache, "hooks": Hooks(on_response=tell)}
    with WeCom(os.environ["CORPID"], os.environ["SECRET"], **options) as wecom:
        print("a worker sees", len(wecom.customers.follow_users().follow_user), "members", flush=True)


def main() -> None:
    """Start three processes on one token, then load companies as they are needed."""
    with Sandbox(seed=7, customers=10) as sandbox, tempfile.TemporaryDirectory() as folder:
        ids = sandbox.credentials
        place = {"TOKENS": folder, "CORPID": ids.corpid, "SECRET": ids.corpsecret, "URL": sandbox.wecom_url}
        workers = [subprocess.Popen([sys.executable, __file__, "worker"], env={**os.environ, **place}) for _ in range(3)]  # noqa: S603 -- ourselves
        for process in workers:
            process.wait()

        secrets = {ids.corpid: ids.corpsecret}  # your database

        def load(corpid: str, shared: Options) -> WeCom:
            print("a company is loaded")
            return WeCom(corpid, secrets[corpid], **shared)

        with Tenants(load, cache=FileTokenCache(folder), base_url=sandbox.wecom_url, hooks=Hooks(on_response=tell)) as tenants:
            for _ in range(2):
                print("the company has", len(tenants[ids.corpid].customers.follow_users().follow_user), "members")


if __name__ == "__main__":
    worker() if sys.argv[1:] == ["worker"] else main()
