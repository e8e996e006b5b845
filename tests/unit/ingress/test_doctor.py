"""The sandbox's `doctor` finds nothing wrong with ingress."""

from contextlib import aclosing

import pytest

from tests.unit.ingress.conftest import ACCOUNTS, Ingress
from wxbus.wechat.documents.codec import Format
from wxbus_sandbox.doctor.examination import examine, open_target
from wxbus_sandbox.doctor.findings import Level
from wxbus_sandbox.settings import Rules


@pytest.mark.parametrize(
    ("name", "form"), [("shop", Format.XML), ("shop", Format.JSON), ("plain", Format.XML), ("corp", Format.XML)]
)
async def test_the_doctor_finds_nothing_wrong(ingress: Ingress, name: str, form: Format) -> None:
    """Every check passes; only address and speed of this test are not as in production."""
    account, url = ACCOUNTS.named(name), f"{ingress.url}/wechat/{name}"
    async with (
        open_target(url, account, form=form, rules=Rules(push_timeout=60)) as target,
        aclosing(examine(target)) as found,
    ):
        findings = [finding async for finding in found]
    wrong = {finding.check: finding for finding in findings if finding.level not in {Level.OK, Level.SKIPPED}}
    assert wrong.keys() <= {"address", "answer time"}, wrong
    assert len(findings) > 18, findings
