"""What an error tells: what happened, on which call, and what to do next. Runs on the sandbox: python examples/errors_that_teach.py."""

from __future__ import annotations

from siyu_sdk import AuthenticationError, InputError, NotFound, OutcomeUnknown, WeCom
from siyu_sdk.sandbox import Sandbox


def main() -> None:
    """Make four mistakes and read what comes back."""
    with Sandbox(seed=7, customers=60) as sandbox, sandbox.wecom_client() as wecom:
        try:
            wecom.mass_messages.create(external_userid=[f"wm{n}" for n in range(10_001)], text={"content": "太多了"})
        except InputError as error:  # refused here: nothing was sent
            print(f"{error.field}: {error}")

        try:
            wecom.customers.get("wm-nobody")
        except NotFound as error:
            print(f"{error.code} {error.message!r}; do this: {error.hint}")

        sandbox.faults.add(path="*/add_msg_template", kind="drop_after_commit", rate=1, times=1)
        member = wecom.customers.follow_users().follow_user[0]
        try:
            wecom.mass_messages.create(sender=member, text={"content": "你好"})
        except OutcomeUnknown as error:  # the task exists, although no answer came: look for it, never just repeat
            print(f"may have arrived: {error.may_have_arrived}; {error}")

        with WeCom("ww-wrong", "wrong-secret", base_url=sandbox.wecom_url) as stranger:
            try:
                stranger.customers.follow_users()
            except AuthenticationError as error:
                print(error)


if __name__ == "__main__":
    main()
