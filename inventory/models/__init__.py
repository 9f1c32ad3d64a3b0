"""What we hold. Django needs the models importable from here."""

from inventory.models.attributions import VarianceAttribution
from inventory.models.books import FuelCost, TankBook
from inventory.models.deliveries import Delivery, DeliveryTank, Supplier
from inventory.models.losses import LossAllowance
from inventory.models.shop import Category, Item, ItemBarcode, StockBalance, StockMove, StockPlace
from inventory.models.tanks import Dip, TankMovement

__all__ = [
    "Category",
    "Delivery",
    "DeliveryTank",
    "Dip",
    "FuelCost",
    "Item",
    "ItemBarcode",
    "LossAllowance",
    "StockBalance",
    "StockMove",
    "StockPlace",
    "Supplier",
    "TankBook",
    "TankMovement",
    "VarianceAttribution",
]
