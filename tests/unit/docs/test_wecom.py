"""The samples of docs/how-to/wecom.md run, in both languages."""

import shlex
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.readme import ROOT, blocks, samples_of, the_block
from wxbus.accounts.accounts import Accounts
from wxbus.config.account_tables import SECRETS
from wxbus_sandbox.control.requests import CustomerRequest
from wxbus_sandbox.models import RobotRequest
from wxbus_worker import KfTextMessage, MemberCreatedEvent, TemplateCardEvent, reply
from wxbus_worker.handlers.route_table import RouteTable
from wxbus_worker.testing import HandlerClient, RecordingWeCom

PAGES = ["wecom.md", "wecom.zh-CN.md"]


@pytest.fixture(params=PAGES)
def samples(request: pytest.FixtureRequest) -> Iterator[types.ModuleType]:
    """Return the Python blocks of the page as one module."""
    with samples_of(ROOT / "docs/how-to" / request.param) as module:
        yield module


def test_the_users_of_the_sandbox_write_to_accounts_of_the_page() -> None:
    """The bodies of the curl commands are requests of the sandbox, to accounts that the page has."""
    for page in PAGES:
        document = ROOT / "docs/how-to" / page
        robot, customer, application = the_block(document, "sh", "sandbox/wecom").splitlines()
        asked = RobotRequest.model_validate_json(shlex.split(robot)[-1])
        wrote = CustomerRequest.model_validate_json(shlex.split(customer)[-1])
        assert asked.content == {"content": "why?"}
        assert wrote.content["content"].startswith("where is ")
        names = {asked.account, wrote.account, shlex.split(application)[7]}
        assert all(any(f"[accounts.{name}]" in block for block in blocks(document, "toml")) for name in names)


async def test_the_handlers_do_what_the_page_says(samples: types.ModuleType) -> None:
    """The tests of the page pass; a card is updated, a new member greeted, a customer handed over."""
    for name, test in vars(samples).items():
        if name.startswith("test_"):
            await test()
    wecom = RecordingWeCom(samples.CORP)
    wecom.answers["/cgi-bin/message/update_template_card"] = {}
    wecom.answers["/cgi-bin/kf/service_state/trans"] = {"msg_code": "c"}
    client = HandlerClient(samples.application, account=samples.CORP, wechat=wecom)
    await client.send(client.new(TemplateCardEvent, event_key="yes", response_code="r1"))
    assert wecom.calls[0][2]["json"] == {
        "agentid": 1000002,
        "response_code": "r1",
        "button": {"replace_name": "ordered"},
    }
    await client.send(client.new(MemberCreatedEvent, from_user="sys", user_id="lisi", name="Li"))
    assert wecom.sent == [("lisi", reply.Text("Welcome, Li."))]

    service = HandlerClient(samples.service, account=samples.CORP, wechat=wecom)
    await service.send(service.new(KfTextMessage, to_user="wk1", from_user="wm1", origin=3, content="human"))
    assert wecom.calls[1][2]["json"]["servicer_userid"] == "lisi"
    asked = await service.send(service.new(KfTextMessage, to_user="wk1", from_user="wm1", content="where is it"))
    assert [one.kind for one in asked.replies] == ["msgmenu"]
    assert asked.context.openid == "wk1:wm1"
    assert len(RouteTable(samples.assistant)) == 2


@pytest.mark.parametrize("page", PAGES)
def test_the_sample_accounts_load(page: str, tmp_path: Path) -> None:
    """Both accounts form a valid accounts file, whose replies can reach their users."""
    (tmp_path / "secrets").mkdir()
    for name in ("corp_token", "corp_aes_key", "corp_secret", "robot_token", "robot_aes_key"):
        kind = next(kind for kind in SECRETS if name.endswith(kind))
        (tmp_path / "secrets" / name).write_text("k" * 43 if kind == "aes_key" else "value", encoding="utf-8")
    samples = "\n".join(blocks(ROOT / "docs/how-to" / page, "toml"))
    (tmp_path / "accounts.toml").write_text(samples, encoding="utf-8")

    accounts = Accounts.read(tmp_path / "accounts.toml")

    accounts.check_replies()
    assert [(account.name, account.is_robot) for account in accounts] == [("corp", False), ("assistant", True)]
