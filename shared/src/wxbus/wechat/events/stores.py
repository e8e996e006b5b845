"""Shops, places and devices near a user (protocol reference 6.1)."""

from wxbus.wechat.messages.base import Event, Float, Int, Many, Maybe, Part, PlatformEvent


class PoiCheckEvent(Event):
    """A location of the merchant was reviewed."""

    event: str = "poi_check_notify"
    uniq_id: str = ""
    poi_id: str = ""
    result: str = ""
    """`succ` or `fail`."""
    msg: str = ""


class StoreAuditEvent(PlatformEvent):
    """A store of the merchant was reviewed."""

    audit_id: str = ""
    status: Int = None
    reason: str = ""
    is_upgrade: str = ""
    poiid: str = ""


class AddStoreAuditEvent(StoreAuditEvent):
    """A new store was reviewed."""

    event: str = "add_store_audit_info"


class ModifyStoreAuditEvent(StoreAuditEvent):
    """A changed store was reviewed."""

    event: str = "modify_store_audit_info"


class ApplyMerchantAuditEvent(StoreAuditEvent):
    """The request to run stores was reviewed."""

    event: str = "apply_merchant_audit_info"


class CreateMapPoiAuditEvent(StoreAuditEvent):
    """A new location on the map was reviewed."""

    event: str = "create_map_poi_audit_info"
    map_poi_id: str = ""
    name: str = ""
    address: str = ""
    latitude: Float = None
    longitude: Float = None
    sh_remark: str = ""


class AddNearbyPoiAuditEvent(StoreAuditEvent):
    """A nearby location was reviewed."""

    event: str = "add_nearby_poi_audit_info"


class NearbyCategoryAuditEvent(StoreAuditEvent):
    """The category of a nearby location was reviewed."""

    event: str = "nearby_category_audit_info"


class WifiConnectedEvent(Event):
    """A user connected to a shop's Wi-Fi."""

    event: str = "WifiConnected"
    connect_time: Int = None
    expire_time: Int = None
    vendor_id: str = ""
    place_id: str = ""
    shop_id: str = ""
    device_no: str = ""


class Beacon(Part):
    """A nearby Bluetooth beacon."""

    uuid: str = ""
    major: str = ""
    minor: str = ""
    distance: Float = None
    """Metres."""


class AroundBeacons(Part):
    """The other nearby beacons."""

    around_beacon: Many[Beacon] = ()


class ShakeAroundEvent(Event):
    """A user shook the phone near a beacon of the account."""

    event: str = "ShakearoundUserShake"
    chosen_beacon: Maybe[Beacon] = None
    around_beacons: Maybe[AroundBeacons] = None


class MerchantOrderEvent(Event):
    """A user paid in the (legacy) shop."""

    event: str = "merchant_order"
    order_id: str = ""
    order_status: Int = None
    product_id: str = ""
    sku_info: str = ""
