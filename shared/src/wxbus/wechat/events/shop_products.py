"""Products, categories, brands and stock of a WeChat Shop. `from_user` is an id of WeChat."""

from pydantic import Field

from wxbus.wechat.messages.base import Int, Many, Maybe, PlatformEvent, PlatformPart


class ShopProductAudit(PlatformPart):
    """The result of a product's review."""

    product_id: str = ""
    status: Int = None
    """2 refused, 3 passed, 4 withdrawn."""
    reason: str = ""
    audit_info: str = ""
    """JSON."""
    product_type: Int = None


class ShopProductAuditEvent(PlatformEvent):
    """A product was reviewed."""

    event: str = "product_spu_audit"
    product_spu_audit: Maybe[ShopProductAudit] = Field(default=None, alias="ProductSpuAudit")


class ShopProductListing(PlatformPart):
    """The sale state of a product."""

    product_id: str = ""
    status: Int = None
    """5 on sale; off sale: 11 by the shop, 13 by the system, 14 for its deposit, 15 for its brand, 20 banned."""
    reason: str = ""


class ShopProductListingEvent(PlatformEvent):
    """The sale state of a product changed."""

    event: str = "product_spu_listing"
    product_spu_listing: Maybe[ShopProductListing] = Field(default=None, alias="ProductSpuListing")


class ShopProductUpdate(PlatformPart):
    """The change of a product."""

    product_id: str = ""
    status: Int = None
    """0 updated, 1 new, 2 deleted, 3 deleted permanently."""
    product_type: Int = None


class ShopProductUpdateEvent(PlatformEvent):
    """A product changed."""

    event: str = "product_spu_update"
    product_spu_update: Maybe[ShopProductUpdate] = Field(default=None, alias="ProductSpuUpdate")


class ShopCategoryAudit(PlatformPart):
    """The result of a category's review."""

    audit_id: str = ""
    status: Int = None
    reason: str = ""


class ShopCategoryAuditEvent(PlatformEvent):
    """A category was reviewed."""

    event: str = "product_category_audit"
    product_category_audit: Maybe[ShopCategoryAudit] = Field(default=None, alias="ProductCategoryAudit")


class ShopBrand(PlatformPart):
    """The result of a brand's review."""

    brand_id: str = ""
    audit_id: str = ""
    status: Int = None
    reason: str = ""


class ShopBrandEvent(PlatformEvent):
    """A brand was reviewed, or its registration expires."""

    event: str = "channels_ec_brand"
    brand_event: Maybe[ShopBrand] = Field(default=None, alias="BrandEvent")


class ShopStock(PlatformPart):
    """The stock of a product variant."""

    product_id: str = ""
    sku_id: str = ""
    remaining_stock_amount: Int = None
    remaining_code_amount: Int = None


class ShopStockEvent(PlatformEvent):
    """The stock of a product variant is low."""

    event: str = "channels_ec_stock_no_enough"
    channels_ec_stock_no_enough: Maybe[ShopStock] = None


class SupplierItem(PlatformPart):
    """A joint product of a head supplier and a shop."""

    event_type: Int = None
    appid: str = ""
    """Of the shop."""
    product_id: str = ""
    version: str = ""
    """Seconds since the epoch, as text."""
    update_fields: Many[str] = ()
    """Names of the changed fields: `commission_ratio`, `service_ratio`, `status`, `active_time` ..."""


class SupplierItemUpdateEvent(PlatformEvent):
    """A product of a head supplier changed."""

    event: str = "head_supplier_item_update"
    item_info: Maybe[SupplierItem] = None


class SupplierProduct(PlatformPart):
    """A supplier's product."""

    product_id: str = ""
    status: Int = None


class SupplierProductUpdateEvent(PlatformEvent):
    """A supplier's product changed; WeChat waits three seconds for the response."""

    event: str = "ec_supplier_product_update"
    supplier_product: Maybe[SupplierProduct] = Field(default=None, alias="EcSupplierProductUpdate")
