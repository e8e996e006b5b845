"""Methods of wechatpy's client, each with ours that does the same."""

import io
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeAlias

from wechatpy import WeChatClient as WeChatPy

from wxbus.api import WeChatClient
from wxbus.api.endpoints.menu_buttons import KeyButton, MiniProgramButton, SubMenu, ViewButton
from wxbus.api.endpoints.menus import MatchRule
from wxbus.api.endpoints.mini_program_codes import Color
from wxbus.api.endpoints.periods import Period
from wxbus.api.endpoints.template_messages import MiniProgramPage, TemplateValue
from wxbus.api.endpoints.users import UserQuery
from wxbus.api.uploads import UploadFile
from wxbus_worker import reply

USER = "oAlice0000000000000000000001"
"""28 characters: what wechatpy calls an openid."""
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 12, tzinfo=UTC)
CLICK = {"type": "click", "name": "n", "key": "k"}
VIEW = {"type": "view", "name": "搜索", "url": "https://example.com/"}
PAGE = {"type": "miniprogram", "name": "m", "url": "https://example.com/", "appid": "wx1", "pagepath": "pages/i"}
OURS_OF_MENU: list[KeyButton | SubMenu] = [
    KeyButton(name="n", key="k"),
    SubMenu(
        name="more",
        buttons=[
            ViewButton(name="搜索", url="https://example.com/"),
            MiniProgramButton(name="m", url="https://example.com/", appid="wx1", page="pages/i"),
        ],
    ),
]
THEIRS_OF_MENU = {"button": [CLICK, {"name": "more", "sub_button": [VIEW, PAGE]}]}


def picture(name: str = "a.jpg") -> io.BytesIO:
    """Return a file with a name, as wechatpy takes it."""
    file = io.BytesIO(b"picture")
    file.name = name
    return file


Pair: TypeAlias = tuple[Callable[[WeChatPy], object], Callable[[WeChatClient], Awaitable[object]]]


def _statistics(method: str) -> Callable[[WeChatPy], object]:
    return lambda client: getattr(client.datacube, method)("2026-01-01", "2026-01-01")


def _period(family: str, method: str) -> Callable[[WeChatClient], Awaitable[object]]:
    period = Period(begin=START.date(), end=START.date())
    return lambda client: getattr(getattr(client, family), method)(period)


def _day(family: str, method: str) -> Callable[[WeChatClient], Awaitable[object]]:
    return lambda client: getattr(getattr(client, family), method)(START.date())


OFFICIAL: list[Pair] = [
    (lambda c: c.user.get(USER), lambda c: c.users.info(USER, language="zh_CN")),
    (
        lambda c: c.user.get_batch([{"openid": USER, "lang": "en"}]),
        lambda c: c.users.info_of_many([UserQuery(openid=USER, lang="en")]),
    ),
    (lambda c: c.user.get_followers(), lambda c: c.users.followers()),
    (lambda c: c.user.get_followers(USER), lambda c: c.users.followers(start=USER)),
    (lambda c: c.user.update_remark(USER, "备注"), lambda c: c.users.set_remark(USER, "备注")),
    (lambda c: c.user.change_openid("wx1", [USER]), lambda c: c.users.change_openids("wx1", [USER])),
    (lambda c: c.tag.batch_black_list([USER]), lambda c: c.users.block([USER])),
    (lambda c: c.tag.batch_unblack_list([USER]), lambda c: c.users.unblock([USER])),
    (lambda c: c.tag.get_black_list(USER), lambda c: c.users.blacklist(start=USER)),
    (lambda c: c.tag.create("vip"), lambda c: c.tags.create("vip")),
    (lambda c: c.tag.get(), lambda c: c.tags.all()),
    (lambda c: c.tag.update(100, "gold"), lambda c: c.tags.rename(100, "gold")),
    (lambda c: c.tag.tag_user(100, [USER]), lambda c: c.tags.add(100, [USER])),
    (lambda c: c.tag.untag_user(100, [USER]), lambda c: c.tags.remove(100, [USER])),
    (lambda c: c.tag.get_user_tag(USER), lambda c: c.tags.of(USER)),
    (lambda c: c.tag.get_tag_users(100, USER), lambda c: c.tags.followers(100, start=USER)),
    (lambda c: c.tag.delete(100), lambda c: c.tags.delete(100)),
    (lambda c: c.group.create("g"), lambda c: c.groups.create("g")),
    (lambda c: c.group.get(), lambda c: c.groups.all()),
    (lambda c: c.user.get_group_id(USER), lambda c: c.groups.of(USER)),
    (lambda c: c.group.update(100, "h"), lambda c: c.groups.rename(100, "h")),
    (lambda c: c.group.move_user(USER, 100), lambda c: c.groups.move(USER, 100)),
    (lambda c: c.group.move_user([USER], 100), lambda c: c.groups.move_many([USER], 100)),
    (lambda c: c.group.delete(100), lambda c: c.groups.delete(100)),
    (lambda c: c.menu.create(THEIRS_OF_MENU), lambda c: c.menus.create(OURS_OF_MENU)),
    (lambda c: c.menu.get(), lambda c: c.menus.configuration()),
    (lambda c: c.menu.get_menu_info(), lambda c: c.menus.current()),
    (
        lambda c: c.menu.add_conditional({"button": [CLICK], "matchrule": {"tag_id": "2"}}),
        lambda c: c.menus.add_conditional([KeyButton(name="n", key="k")], MatchRule(tag_id="2")),
    ),
    (lambda c: c.menu.try_match(USER), lambda c: c.menus.match(USER)),
    (lambda c: c.menu.del_conditional("400"), lambda c: c.menus.delete_conditional("400")),
    (lambda c: c.menu.delete(), lambda c: c.menus.delete()),
    (lambda c: c.message.get_autoreply_info(), lambda c: c.menus.auto_replies()),
    (
        lambda c: c.qrcode.create(
            {
                "expire_seconds": 60,
                "action_name": "QR_STR_SCENE",
                "action_info": {"scene": {"scene_str": "场景"}},
            }
        ),
        lambda c: c.qr_codes.create_temporary("场景", expires_in=60),
    ),
    (
        lambda c: c.qrcode.create({"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": "s"}}}),
        lambda c: c.qr_codes.create_permanent("s"),
    ),
    (lambda c: c.misc.short_url("https://example.com/"), lambda c: c.short_keys.shorten_url("https://example.com/")),
    (lambda c: c.template.set_industry("1", "4"), lambda c: c.template_messages.set_industries("1", "4")),
    (lambda c: c.template.get_industry(), lambda c: c.template_messages.industries()),
    (lambda c: c.template.get_all_private_template(), lambda c: c.template_messages.templates()),
    (lambda c: c.template.del_private_template("t"), lambda c: c.template_messages.delete_template("t")),
    (
        lambda c: c.message.send_template(
            USER,
            "t",
            {"first": {"value": "您好", "color": "#173177"}},
            url="https://example.com/",
            mini_program={"appid": "wx1", "pagepath": "p"},
        ),
        lambda c: c.template_messages.send(
            USER,
            "t",
            {"first": TemplateValue(value="您好", color="#173177")},
            url="https://example.com/",
            mini_program=MiniProgramPage(appid="wx1", page="p"),
        ),
    ),
    (lambda c: c.message.send_text(USER, "你好"), lambda c: c.send(USER, reply.Text("你好"))),
    (
        lambda c: c.message.send_text(USER, "你好", account="a@b"),
        lambda c: c.customer_service.send(USER, reply.Text("你好"), kf_account="a@b"),
    ),
    (lambda c: c.message.send_image(USER, "m"), lambda c: c.customer_service.send(USER, reply.Image("m"))),
    (lambda c: c.message.send_voice(USER, "m"), lambda c: c.customer_service.send(USER, reply.Voice("m"))),
    (lambda c: c.message.send_card(USER, "card"), lambda c: c.customer_service.send(USER, reply.Card("card"))),
    (lambda c: c.customservice.get_accounts(), lambda c: c.customer_service_accounts.all()),
    (lambda c: c.customservice.get_online_accounts(), lambda c: c.customer_service_accounts.online()),
    (lambda c: c.customservice.create_session(USER, "a@b"), lambda c: c.customer_service_sessions.create("a@b", USER)),
    (lambda c: c.customservice.close_session(USER, "a@b"), lambda c: c.customer_service_sessions.close("a@b", USER)),
    (lambda c: c.customservice.get_session(USER), lambda c: c.customer_service_sessions.of_user(USER)),
    (lambda c: c.customservice.get_session_list("a@b"), lambda c: c.customer_service_sessions.of_account("a@b")),
    (lambda c: c.customservice.get_wait_case(), lambda c: c.customer_service_sessions.waiting()),
    (
        lambda c: c.customservice.get_records(int(START.timestamp()), int(END.timestamp())),
        lambda c: c.customer_service_sessions.records(START, END),
    ),
    (
        lambda c: c.customservice.upload_headimg("a@b", picture()),
        lambda c: c.customer_service_accounts.set_picture("a@b", UploadFile("a.jpg", b"picture")),
    ),
    (
        lambda c: c.media.upload("image", picture()),
        lambda c: c.temporary_media.upload_image(UploadFile("a.jpg", b"picture")),
    ),
    (lambda c: c.media.download("m"), lambda c: c.temporary_media.download("m")),
    (
        lambda c: c.media.upload_video("m", "t", "d"),
        lambda c: c.old_articles.upload_video("m", title="t", description="d"),
    ),
    (
        lambda c: c.media.upload_image(picture()),
        lambda c: c.temporary_media.upload_article_image(UploadFile("a.jpg", b"picture")),
    ),
    (
        lambda c: c.material.add("image", picture()),
        lambda c: c.materials.add_image(UploadFile("a.jpg", b"picture")),
    ),
    (lambda c: c.material.get("m"), lambda c: c.materials.find("m")),
    (lambda c: c.material.delete("m"), lambda c: c.materials.delete("m")),
    (lambda c: c.material.get_count(), lambda c: c.materials.count()),
    (lambda c: c.material.batchget("news", 5, 10), lambda c: c.materials.page("news", offset=5, count=10)),
    *(
        (_statistics(theirs), _period(family, ours))
        for theirs, family, ours in (
            ("get_user_summary", "account_statistics", "new_followers"),
            ("get_user_cumulate", "account_statistics", "followers"),
            ("get_user_read", "account_statistics", "reads"),
            ("get_user_share", "account_statistics", "shares"),
            ("get_interface_summary", "message_statistics", "callbacks"),
            ("get_upstream_msg", "message_statistics", "messages"),
            ("get_upstream_msg_week", "message_statistics", "messages_by_week"),
            ("get_upstream_msg_month", "message_statistics", "messages_by_month"),
            ("get_upstream_msg_dist", "message_statistics", "message_distribution"),
            ("get_upstream_msg_dist_week", "message_statistics", "message_distribution_by_week"),
            ("get_upstream_msg_dist_month", "message_statistics", "message_distribution_by_month"),
        )
    ),
    *(
        (_statistics(theirs), _day(family, ours))
        for theirs, family, ours in (
            ("get_article_summary", "account_statistics", "articles"),
            ("get_article_total", "account_statistics", "article_totals"),
            ("get_user_read_hour", "account_statistics", "reads_by_hour"),
            ("get_user_share_hour", "account_statistics", "shares_by_hour"),
            ("get_interface_summary_hour", "message_statistics", "callbacks_by_hour"),
            ("get_upstream_msg_hour", "message_statistics", "messages_by_hour"),
        )
    ),
    (lambda c: c.material.open_comment(1000001, 2), lambda c: c.comments.open("1000001", index=2)),
    (lambda c: c.material.close_comment(1000001, 2), lambda c: c.comments.close("1000001", index=2)),
    (
        lambda c: c.material.list_comment(1000001, 2, 0, 49, 1),
        lambda c: c.comments.page("1000001", index=2, begin=0, count=49, kind=1),
    ),
    (lambda c: c.material.markelect_comment(1000001, 2, 7), lambda c: c.comments.select("1000001", "7", index=2)),
    (lambda c: c.material.unmarkelect_comment(1000001, 2, 7), lambda c: c.comments.unselect("1000001", "7", index=2)),
    (lambda c: c.material.delete_comment(1000001, 2, 7), lambda c: c.comments.delete("1000001", "7", index=2)),
    (
        lambda c: c.material.add_reply_comment(1000001, 2, 7, "谢谢"),
        lambda c: c.comments.reply("1000001", "7", "谢谢", index=2),
    ),
    (
        lambda c: c.material.delete_reply_comment(1000001, 2, 7),
        lambda c: c.comments.delete_reply("1000001", "7", index=2),
    ),
    (lambda c: c.message.get_mass(1000001), lambda c: c.mass_messages.status("1000001")),
    (lambda c: c.misc.get_wechat_ips(), lambda c: c.network.callback_addresses()),
]
"""wechatpy's method and ours, for an Official Account."""

MINI: list[Pair] = [
    (
        lambda c: c.wxa.get_wxa_code("pages/i?a=1", line_color={"r": 1, "g": 2, "b": 3}),
        lambda c: c.mini_program_codes.create(
            "pages/i?a=1", width=430, auto_color=False, line_color=Color(r=1, g=2, b=3), transparent=False
        ),
    ),
    (
        lambda c: c.wxa.get_wxa_code_unlimited("a=1", page="pages/i", line_color={"r": 1, "g": 2, "b": 3}),
        lambda c: c.mini_program_codes.create_unlimited(
            "a=1", page="pages/i", width=430, auto_color=False, line_color=Color(r=1, g=2, b=3), transparent=False
        ),
    ),
    (lambda c: c.wxa.get_category(), lambda c: c.code_releases.categories()),
    (lambda c: c.wxa.get_page(), lambda c: c.code_releases.pages()),
    (lambda c: c.wxa.get_audit_status(1000001), lambda c: c.code_releases.audit("1000001")),
    (lambda c: c.wxa.get_latest_audit_status(), lambda c: c.code_releases.latest_audit()),
    (lambda c: c.wxa.undo_code_audit(), lambda c: c.code_releases.withdraw_audit()),
    (lambda c: c.wxa.speed_up_audit(1000001), lambda c: c.code_releases.speed_up_audit("1000001")),
    (lambda c: c.wxa.query_quota(), lambda c: c.code_releases.audit_quota()),
    (lambda c: c.wxa.release(), lambda c: c.code_releases.release()),
    (lambda c: c.wxa.revert_code_release(), lambda c: c.code_releases.roll_back()),
    (lambda c: c.wxa.change_visit_status(close=True), lambda c: c.code_releases.set_open("close")),
    (lambda c: c.wxa.bind_tester("alice"), lambda c: c.testers.add("alice")),
    (lambda c: c.wxa.unbind_tester("alice"), lambda c: c.testers.remove(wechat_id="alice")),
    (lambda c: c.wxa.create_open("wx1"), lambda c: c.open_accounts.create("wx1")),
    (lambda c: c.wxa.get_open("wx1"), lambda c: c.open_accounts.find("wx1")),
    (lambda c: c.wxa.bind_open("wx1", "wx2"), lambda c: c.open_accounts.bind("wx1", "wx2")),
    (lambda c: c.wxa.unbind_open("wx1", "wx2"), lambda c: c.open_accounts.unbind("wx1", "wx2")),
    (
        lambda c: c.wxa.get_paid_unionid(USER, transaction_id="t"),
        lambda c: c.sessions.paid_unionid(USER, transaction_id="t"),
    ),
    (lambda c: c.wxa.create_qrcode("pages/i"), lambda c: c.mini_program_codes.create_square("pages/i", width=430)),
]
