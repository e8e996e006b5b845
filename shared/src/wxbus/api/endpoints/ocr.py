"""Texts and documents in pictures. An account has 100 calls a day; more can be bought.

Each method takes a picture, as a file or by its address.
"""

from typing import Annotated

from wxbus.api.calls import Repeat
from wxbus.api.declaration import Answer, Family, Key, post
from wxbus.api.endpoints.pictures import ERRORS, Picture, PictureUrl, Position, Size


class IdCard(Answer):
    """An identity card; the back has only `valid_date`."""

    type: str = ""
    """Front or Back."""
    id: str = ""
    name: str = ""
    addr: str = ""
    gender: str = ""
    nationality: str = ""
    valid_date: str = ""


class VehicleLicense(Answer):
    """A licence of a vehicle."""

    plate_num: str = ""
    vehicle_type: str = ""
    owner: str = ""
    addr: str = ""
    use_character: str = ""
    model: str = ""
    vin: str = ""
    engine_num: str = ""
    register_date: str = ""
    issue_date: str = ""
    plate_num_b: str = ""
    record: str = ""
    passengers_num: str = ""
    total_quality: str = ""
    prepare_quality: str = ""
    overall_size: str = ""
    card_position_front: Position | None = None
    card_position_back: Position | None = None
    img_size: Size | None = None


class DrivingLicense(Answer):
    """A licence of a driver."""

    id_num: str = ""
    name: str = ""
    sex: str = ""
    nationality: str = ""
    address: str = ""
    birth_date: str = ""
    issue_date: str = ""
    car_class: str = ""
    valid_from: str = ""
    valid_to: str = ""
    official_seal: str = ""


class BusinessLicense(Answer):
    """A business licence."""

    reg_num: str = ""
    serial: str = ""
    legal_representative: str = ""
    type_of_organization: str = ""
    enterprise_name: str = ""
    type_of_enterprise: str = ""
    address: str = ""
    business_scope: str = ""
    registered_capital: str = ""
    paid_in_capital: str = ""
    valid_period: str = ""
    registered_date: str = ""
    cert_position: Position | None = None
    img_size: Size | None = None


class PrintedText(Position):
    """A line of text and its place."""

    text: str = ""


class PrintedTexts(Answer):
    """The texts of a picture."""

    items: tuple[PrintedText, ...] = ()
    img_size: Size | None = None


class MenuText(Answer):
    """The dishes of a menu."""

    content: str = ""
    """JSON as text: dishes and prices."""


class Ocr(Family):
    """Texts and documents in pictures."""

    title = "文字与证件识别"
    kinds = ("official_account", "mini_program")

    @post("/cv/ocr/idcard", name="idcardOcr", title="身份证识别", repeat=Repeat.READ, errcodes=ERRORS)
    async def id_card(self, image: Picture | None = None, *, url: PictureUrl | None = None) -> IdCard:
        """Return the fields of one side of an identity card."""

    @post("/cv/ocr/bankcard", name="bankcardOcr", title="银行卡识别", repeat=Repeat.READ, errcodes=ERRORS)
    async def bank_card(
        self, image: Picture | None = None, *, url: PictureUrl | None = None
    ) -> Annotated[str, Key("number")]:
        """Return the number of a bank card."""

    @post("/cv/ocr/driving", name="drivingocr", title="行驶证识别", repeat=Repeat.READ, errcodes=ERRORS)
    async def vehicle_license(self, image: Picture | None = None, *, url: PictureUrl | None = None) -> VehicleLicense:
        """Return the fields of the licence of a vehicle."""

    @post("/cv/ocr/drivinglicense", name="drivinglicenseocr", title="驾驶证识别", repeat=Repeat.READ, errcodes=ERRORS)
    async def driving_license(self, image: Picture | None = None, *, url: PictureUrl | None = None) -> DrivingLicense:
        """Return the fields of the licence of a driver."""

    @post("/cv/ocr/bizlicense", name="bizlicenseOcr", title="营业执照识别", repeat=Repeat.READ, errcodes=ERRORS)
    async def business_license(self, image: Picture | None = None, *, url: PictureUrl | None = None) -> BusinessLicense:
        """Return the fields of a business licence."""

    @post("/cv/ocr/comm", name="commocr", title="通用印刷体识别", repeat=Repeat.READ, errcodes=ERRORS)
    async def printed_text(self, image: Picture | None = None, *, url: PictureUrl | None = None) -> PrintedTexts:
        """Return the printed text of a picture."""

    @post("/cv/ocr/menu", name="menuOcr", title="菜单识别", repeat=Repeat.READ, errcodes=ERRORS)
    async def menu(self, image: Picture | None = None, *, url: PictureUrl | None = None) -> MenuText:
        """Return the dishes on a menu."""

    @post("/cv/ocr/platenum", name="platenumOcr", title="车牌识别", repeat=Repeat.READ, errcodes=ERRORS)
    async def plate_number(
        self, image: Picture | None = None, *, url: PictureUrl | None = None
    ) -> Annotated[str, Key("number")]:
        """Return the number of a vehicle's plate."""
