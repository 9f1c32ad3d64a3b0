"""What we hold. Django needs the models importable from here."""

from inventory.models.shop import Category, Item, ItemBarcode, StockBalance, StockMove
from inventory.models.tanks import (
    Delivery,
    DeliveryTank,
    Dip,
    FuelCost,
    Supplier,
    TankBook,
    TankMovement,
)

__all__ = [
    "Category",
    "Delivery",
    "DeliveryTank",
    "Dip",
    "FuelCost",
    "Item",
    "ItemBarcode",
    "StockBalance",
    "StockMove",
    "Supplier",
    "TankBook",
    "TankMovement",
]
