"""Sample events of WeCom: the class, the event's name, and the members after the header (WeCom reference 5.2 to 5.4).

Values differ within a push, so that a lost value is detected.
"""

from typing import Any, Final

from wxbus import wechat as w

_MEMBER: Final = {
    "UserID": "zhangsan",
    "Name": "Zhang San",
    "Department": "1,2,3",
    "MainDepartment": "11",
    "IsLeaderInDept": "1,0,0",
    "DirectLeader": "lisi,wangwu",
    "Position": "engineer",
    "Mobile": "13800000000",
    "Gender": 1,
    "Email": "a@example.com",
    "BizMail": "b@example.com",
    "Status": 4,
    "Avatar": "https://example.com/a",
    "Alias": "zs",
    "Telephone": "020-123456",
    "Address": "Guangzhou",
    "ExtAttr": {
        "Item": [
            {"Name": "hobby", "Type": 0, "Text": {"Value": "go"}},
            {"Name": "site", "Type": 9, "Web": {"Title": "home", "Url": "https://example.com/h"}},
        ]
    },
}
_CUSTOMER: Final = {"UserID": "zhangsan", "ExternalUserID": "wm1", "State": "qr7"}
_OPEN_APPROVAL: Final = {
    "ThirdNo": "T1",
    "OpenSpName": "leave",
    "OpenTemplateId": "tpl",
    "OpenSpStatus": 2,
    "ApplyTime": 1527837645,
    "ApplyUserName": "Zhang",
    "ApplyUserId": "zhangsan",
    "ApplyUserParty": "sales",
    "ApplyUserImage": "https://example.com/1",
    "ApprovalNodes": {
        "ApprovalNode": {
            "NodeStatus": 3,
            "NodeAttr": 4,
            "NodeType": 5,
            "Items": {
                "Item": {
                    "ItemName": "Li",
                    "ItemUserId": "lisi",
                    "ItemParty": "board",
                    "ItemImage": "https://example.com/2",
                    "ItemStatus": 6,
                    "ItemSpeech": "fine",
                    "ItemOpTime": 1527837646,
                }
            },
        }
    },
    "NotifyNodes": {
        "NotifyNode": {
            "ItemName": "Wang",
            "ItemUserId": "wangwu",
            "ItemParty": "hr",
            "ItemImage": "https://example.com/3",
        }
    },
    "approverstep": 7,
}
_SYSTEM_APPROVAL: Final = {
    "SpNo": "201909270001",
    "SpNoStr": "S201909270002",
    "SpName": "travel",
    "SpStatus": 1,
    "TemplateId": "3TkaH5",
    "ApplyTime": 1569584428,
    "Applyer": {"UserId": "zhangsan", "Party": "1"},
    "SpRecord": {
        "SpStatus": 2,
        "ApproverAttr": 3,
        "Details": [
            {"Approver": {"UserId": "lisi"}, "Speech": "yes", "SpStatus": 4, "SpTime": 5, "Attach": "m1"},
            {"Approver": {"UserId": "wang"}, "Speech": "no", "SpStatus": 6, "SpTime": 7},
        ],
    },
    "Notifyer": [{"UserId": "n1"}, {"UserId": "n2"}],
    "Comments": {
        "CommentUserInfo": {"UserId": "c1"},
        "CommentTime": 8,
        "CommentContent": "why?",
        "CommentId": "9",
        "Attach": ["m2", "m3"],
    },
    "ProcessList": {
        "NodeList": {
            "NodeType": 10,
            "SpStatus": 11,
            "ApvRel": 12,
            "SubNodeList": {
                "UserInfo": {"UserId": "s1"},
                "Speech": "ok",
                "SpYj": 13,
                "Sptime": 14,
                "MediaIds": ["m4", "m5"],
            },
        }
    },
    "StatuChangeEvent": 15,
}
_CARD: Final = {"EventKey": "yes", "TaskId": "t1", "CardType": "vote_interaction", "ResponseCode": "code1"}

MEMBERS: Final[list[tuple[type[w.Message], str, dict[str, Any]]]] = [
    (w.SubscribeEvent, "subscribe", {"EventKey": ""}),
    (w.EnterAgentEvent, "enter_agent", {"EventKey": "k"}),
    (
        w.ReportLocationEvent,
        "LOCATION",
        {"Latitude": "23.1", "Longitude": "113.2", "Precision": "20.5"},
    ),
    (w.ClickEvent, "click", {"EventKey": "menu"}),
    (
        w.TemplateCardEvent,
        "template_card_event",
        {
            **_CARD,
            "SelectedItems": {
                "SelectedItem": [
                    {"QuestionKey": "q1", "OptionIds": {"OptionId": ["o1", "o2"]}},
                    {"QuestionKey": "q2", "OptionIds": {"OptionId": "o3"}},
                ]
            },
        },
    ),
    (w.TemplateCardMenuEvent, "template_card_menu_event", _CARD),
    (w.TaskCardClickEvent, "taskcard_click", {"EventKey": "yes", "TaskId": "t1"}),
    (w.SwitchWorkbenchModeEvent, "switch_workbench_mode", {"Mode": 1}),
    (w.LiveStreamEvent, "living_status_change", {"LivingId": "l1", "Status": 1}),
    (
        w.MeetingEvent,
        "meeting_change",
        {
            "ChangeType": "modify_meeting",
            "MeetingId": "m1",
            "MeetingRoomId": "r1",
            "FromUserTmpOpenId": "tmp1",
            "OperatedUser": {"UserId": "lisi", "TmpOpenId": "tmp2", "UserRole": 3},
        },
    ),
    (w.MeetingRoomEvent, "cancel_meeting_room", {"MeetingRoomId": "1", "BookingId": "b1"}),
    (w.CalendarEvent, "add_calendar", {"CalId": "c1"}),
    (w.ScheduleEvent, "respond_schedule", {"CalId": "c1", "ScheduleId": "s1"}),
    (w.DriveSpaceEvent, "wedrive_space_change", {"ChangeType": "dismiss_space", "SpaceId": ["s1", "s2"]}),
    (
        w.DocumentEvent,
        "smart_sheet_change",
        {"ChangeType": "add_record", "DocId": "d1", "SheetId": "s1", "RecordId": ["r1", "r2"]},
    ),
]
"""Events that a member sends."""

SYSTEM: Final[list[tuple[type[w.Message], str, dict[str, Any], str]]] = [
    (w.MemberCreatedEvent, "change_contact", {"ChangeType": "create_user", **_MEMBER}, "zhangsan"),
    (w.MemberUpdatedEvent, "change_contact", {"ChangeType": "update_user", **_MEMBER, "NewUserID": "zs2"}, "zhangsan"),
    (w.MemberDeletedEvent, "change_contact", {"ChangeType": "delete_user", "UserID": "lisi"}, "lisi"),
    (
        w.DepartmentCreatedEvent,
        "change_contact",
        {"ChangeType": "create_party", "Id": "2", "Name": "sales", "ParentId": "1", "Order": 3},
        "2",
    ),
    (w.DepartmentDeletedEvent, "change_contact", {"ChangeType": "delete_party", "Id": "2"}, "2"),
    (
        w.MemberTagUpdatedEvent,
        "change_contact",
        {"ChangeType": "update_tag", "TagId": "5", "AddUserItems": "a,b", "DelUserItems": "c"}
        | {"AddPartyItems": "1", "DelPartyItems": "3,4"},
        "5",
    ),
    (w.ContactChangeEvent, "change_contact", {"ChangeType": "new_in_2030", "UserID": "lisi"}, "lisi"),
    (
        w.CustomerAddedEvent,
        "change_external_contact",
        {"ChangeType": "add_external_contact", **_CUSTOMER, "WelcomeCode": "w1"},
        "wm1",
    ),
    (
        w.CustomerAddedMemberEvent,
        "change_external_contact",
        {"ChangeType": "add_half_external_contact", **_CUSTOMER},
        "wm1",
    ),
    (w.CustomerEditedEvent, "change_external_contact", {"ChangeType": "edit_external_contact", **_CUSTOMER}, "wm1"),
    (
        w.CustomerRemovedEvent,
        "change_external_contact",
        {"ChangeType": "del_external_contact", **_CUSTOMER, "Source": "DELETE_BY_TRANSFER"},
        "wm1",
    ),
    (w.CustomerLeftEvent, "change_external_contact", {"ChangeType": "del_follow_user", **_CUSTOMER}, "wm1"),
    (
        w.CustomerTransferFailedEvent,
        "change_external_contact",
        {"ChangeType": "transfer_fail", **_CUSTOMER, "FailReason": "customer_refused"},
        "wm1",
    ),
    (w.CustomerGroupCreatedEvent, "change_external_chat", {"ChangeType": "create", "ChatId": "g1"}, "g1"),
    (
        w.CustomerGroupUpdatedEvent,
        "change_external_chat",
        {
            "ChangeType": "update",
            "ChatId": "g1",
            "UpdateDetail": "add_member",
            "JoinScene": 3,
            "QuitScene": 0,
            "MemChangeCnt": 2,
            "MemChangeList": {"Item": ["lisi", "wm2"]},
            "LastMemVer": "9c3f",
            "CurMemVer": "9c40",
        },
        "g1",
    ),
    (w.CustomerGroupDismissedEvent, "change_external_chat", {"ChangeType": "dismiss", "ChatId": "g1"}, "g1"),
    (
        w.CustomerTagEvent,
        "change_external_tag",
        {"ChangeType": "create", "Id": "et1", "TagType": "tag", "StrategyId": "1"},
        "et1",
    ),
    (
        w.CustomerAcquisitionEvent,
        "customer_acquisition",
        {"ChangeType": "friend_request", "LinkId": "l1", "State": "s", "UserID": "lisi", "ExternalUserID": "wm3"},
        "wm3",
    ),
    (w.ApprovalChangeEvent, "open_approval_change", {"ApprovalInfo": _OPEN_APPROVAL}, "T1"),
    (w.SystemApprovalChangeEvent, "sys_approval_change", {"ApprovalInfo": _SYSTEM_APPROVAL}, "201909270001"),
    (
        w.BatchJobResultEvent,
        "batch_job_result",
        {"BatchJob": {"JobId": "j1", "JobType": "sync_user", "ErrCode": 0, "ErrMsg": "ok"}},
        "j1",
    ),
    (w.UploadMediaJobFinishEvent, "upload_media_job_finish", {"JobId": "j2"}, "j2"),
    (w.KfPushEvent, "kf_msg_or_event", {"Token": "ENCtoken", "OpenKfId": "wk1"}, "wk1"),
    (
        w.KfAccountsChangedEvent,
        "kf_account_auth_change",
        {"AuthAddOpenKfId": ["wk1", "wk2"], "AuthDelOpenKfId": "wk3"},
        "kf_account_auth_change",
    ),
    (w.DriveFileEvent, "wedrive_file_change", {"ChangeType": "add_file", "FileId": "f1"}, "wedrive_file_change"),
    (w.ArchivedMessagesEvent, "msgaudit_notify", {}, "msgaudit_notify"),
    (w.ApplicationShareChangedEvent, "share_chain_change", {"AppId": "a", "CorpId": "ww2"}, "share_chain_change"),
    (
        w.CorpChainChangedEvent,
        "change_chain",
        {"ChangeType": "corp_join", "ChainId": "c1", "GroupIds": {"GroupId": [1, 2]}, "CorpIds": {"CorpId": "ww3"}},
        "change_chain",
    ),
]
"""Events that `sys` sends, each with what its lane is named after."""
