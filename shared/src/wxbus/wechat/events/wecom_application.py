"""WeCom applications: members open them, click cards, and their state changes (WeCom reference 5.2).

`from_user` is the member's userid, or `sys` in events that no member sends.
"""

from pydantic import AliasChoices, Field

from wxbus.wechat.messages.base import Event, Int, Many, Maybe, Part


class WeComEvent(Event):
    """An event of a WeCom application."""

    agent_id: str = Field(
        default="", validation_alias=AliasChoices("AgentID", "AgentId"), serialization_alias="AgentID"
    )
    """The application."""


class EnterAgentEvent(WeComEvent):
    """A member opened the application."""

    event: str = "enter_agent"
    event_key: str = ""


class OptionIds(Part):
    """The selected options."""

    option_id: Many[str] = Field(
        default=(), validation_alias=AliasChoices("OptionId", "OpitonId"), serialization_alias="OptionId"
    )
    """WeCom also writes `OpitonId`."""


class SelectedItem(Part):
    """The options that a member selected for one question of a card."""

    question_key: str = ""
    option_ids: Maybe[OptionIds] = Field(
        default=None, validation_alias=AliasChoices("OptionIds", "OpitonIds"), serialization_alias="OptionIds"
    )


class SelectedItems(Part):
    """The questions of a card that a member answered."""

    selected_item: Many[SelectedItem] = ()


class TemplateCardEvent(WeComEvent):
    """A member clicked a button of a card, voted, or chose."""

    event: str = "template_card_event"
    event_key: str = ""
    """The key of the button."""
    task_id: str = ""
    card_type: str = ""
    response_code: str = ""
    """To update the card once, within 72 hours."""
    selected_items: Maybe[SelectedItems] = None


class TemplateCardMenuEvent(WeComEvent):
    """A member clicked an item of a card's menu."""

    event: str = "template_card_menu_event"
    event_key: str = ""
    task_id: str = ""
    card_type: str = ""
    response_code: str = ""


class TaskCardClickEvent(WeComEvent):
    """A member clicked a button of a task card (legacy)."""

    event: str = "taskcard_click"
    event_key: str = ""
    task_id: str = ""


class BatchJob(Part):
    """A job that has ended."""

    job_id: str = ""
    job_type: str = ""
    """`sync_user`, `replace_user`, `invite_user`, `replace_party`, `export_user` ..."""
    err_code: Int = None
    err_msg: str = ""


class BatchJobResultEvent(WeComEvent):
    """A job on the contacts has ended."""

    event: str = "batch_job_result"
    batch_job: Maybe[BatchJob] = None


class UploadMediaJobFinishEvent(WeComEvent):
    """The upload of a large file by its URL has ended."""

    event: str = "upload_media_job_finish"
    job_id: str = ""


class SwitchWorkbenchModeEvent(WeComEvent):
    """A member changed how the workbench shows the application."""

    event: str = "switch_workbench_mode"
    mode: Int = None
    """0 or 1."""


class InactivityAlertEvent(WeComEvent):
    """WeCom will close the application, because few members use it."""

    event: str = "inactive_alert"
    other_names = ("low_active_alert",)
    effect_time: Int = None


class ApplicationClosedEvent(WeComEvent):
    """WeCom closed or limited the application, because few members use it."""

    event: str = "close_inactive_agent"
    other_names = ("low_active",)


class ApplicationReopenedEvent(WeComEvent):
    """The application works again."""

    event: str = "reopen_inactive_agent"
    other_names = ("active_restored",)


class ApplicationShareChangedEvent(WeComEvent):
    """The application was shared with other corps, or the sharing ended."""

    event: str = "share_agent_change"
    other_names = ("share_chain_change",)
    app_id: str = ""
    corp_id: str = ""


class ApplicationAdministratorChangedEvent(WeComEvent):
    """The administrators of the application changed."""

    event: str = "change_app_admin"


class UnlicensedMemberEvent(WeComEvent):
    """A member without a licence uses the application."""

    event: str = "unlicensed_notify"


class ProgramNotifyEvent(WeComEvent):
    """The result of a program in WeCom's data zone can be read."""

    event: str = "program_notify"
    notify_id: str = ""
    notify_scene: str = ""


class GroupIds(Part):
    """Groups of a chain of corps."""

    group_id: Many[str] = ()


class CorpIds(Part):
    """Corps of a chain."""

    corp_id: Many[str] = ()


class CorpChainChangedEvent(WeComEvent):
    """The chain of corps changed."""

    event: str = "change_chain"
    change_type: str = ""
    chain_id: str = ""
    group_ids: Maybe[GroupIds] = None
    corp_ids: Maybe[CorpIds] = None


class DomainAddressesChangedEvent(WeComEvent):
    """The addresses of WeCom's hosts will change."""

    event: str = "security"
    change_type: str = ""


class ArchivedMessagesEvent(WeComEvent):
    """The archive of conversations has new messages."""

    event: str = "msgaudit_notify"
