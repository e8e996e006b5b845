"""Tickets that users have as cards."""

from typing import Annotated

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Family, Key, Timestamp, post
from wxbus.api.endpoints.card_ids import WRONG_CODE, CardId, Code


class CardTickets(Family):
    """Boarding passes and tickets."""

    title = "票证卡券"

    @post(
        "/card/boardingpass/checkin",
        name="checkInBoardingPass",
        title="更新飞机票信息",
        repeat=Repeat.READ,
        errcodes=(WRONG_CODE,),
    )
    async def check_in(
        self,
        code: Code,
        *,
        card_id: CardId | None = None,
        passenger_name: str | None = None,
        cabin: Annotated[str | None, Key("class")] = None,
        seat: str | None = None,
        ticket_number: Annotated[str | None, Key("etkt_bnr")] = None,
        qrcode_data: str | None = None,
        is_cancel: bool | None = None,
    ) -> None:
        """Check a passenger in."""

    @post(
        "/card/movieticket/updateuser",
        name="updateMovieTicket",
        title="更新电影票",
        repeat=Repeat.READ,
        errcodes=(WRONG_CODE,),
    )
    async def update_movie_ticket(
        self,
        code: Code,
        *,
        card_id: CardId | None = None,
        ticket_class: str | None = None,
        screening_room: str | None = None,
        show_time: Timestamp | None = None,
        duration: int | None = None,
        seats: Annotated[list[str] | None, Key("seat_number")] = None,
    ) -> None:
        """Change a cinema ticket; the duration is in minutes."""

    @post(
        "/card/meetingticket/updateuser",
        name="updateMeetingTicket",
        title="更新会议门票",
        repeat=Repeat.READ,
        errcodes=(WRONG_CODE,),
    )
    async def update_meeting_ticket(
        self,
        code: Code,
        *,
        card_id: CardId | None = None,
        begin: Annotated[Timestamp | None, Key("begin_time")] = None,
        end: Annotated[Timestamp | None, Key("end_time")] = None,
        zone: str | None = None,
        entrance: str | None = None,
        seat: Annotated[str | None, Key("seat_number")] = None,
    ) -> None:
        """Change the ticket of a meeting."""
