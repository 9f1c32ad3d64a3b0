"""The demo station on paper: what stands where, who works there, and which oddities are planted.

The figures of a typical Kunming station of 15 to 20 kL a day; nobody in it is real.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal

STATION_CODE = "01"
STATION_NAME = "滇池路加油站"
TANK_CAPACITY_L = Decimal("30050.000")

# A horizontal cylinder, 2.6 m across and 5.66 m long, flat ends: 30 050.6 L when full.
TANK_DIAMETER_MM = 2600
TANK_LENGTH_MM = 5660


@dataclass(frozen=True)
class GradePlan:
    code: str
    name: str
    kind: str
    colour: str
    density20: Decimal
    expansion: Decimal
    tank: int
    share: float
    price: Decimal
    margin: Decimal


GRADES = (
    GradePlan(
        "92#",
        "92号车用汽油(ⅥB)",
        "GASOLINE",
        "blue",
        Decimal("737.0"),
        Decimal("0.0012"),
        1,
        0.50,
        Decimal("7.62"),
        Decimal("0.92"),
    ),
    GradePlan(
        "95#",
        "95号车用汽油(ⅥB)",
        "GASOLINE",
        "orange",
        Decimal("745.0"),
        Decimal("0.0012"),
        2,
        0.28,
        Decimal("8.18"),
        Decimal("1.05"),
    ),
    GradePlan(
        "98#",
        "98号车用汽油(ⅥB)",
        "GASOLINE",
        "purple",
        Decimal("752.0"),
        Decimal("0.0012"),
        3,
        0.05,
        Decimal("8.93"),
        Decimal("1.38"),
    ),
    GradePlan(
        "0#",
        "0号车用柴油(Ⅵ)",
        "DIESEL",
        "green",
        Decimal("835.0"),
        Decimal("0.0008"),
        4,
        0.17,
        Decimal("7.24"),
        Decimal("0.78"),
    ),
)

SHIFTS = (("早班", time(7), time(15)), ("中班", time(15), time(23)), ("夜班", time(23), time(7)))
DAY_STARTS = time(7)


@dataclass(frozen=True)
class Person:
    username: str
    name: str
    role: str
    pin: str


PEOPLE = (
    Person("laoban", "陈建国", "OWNER", "100001"),
    Person("zhanzhang", "王立新", "MANAGER", "200001"),
    Person("kuaiji", "赵敏", "ACCOUNTANT", "300001"),
    Person("shouyin1", "李芳", "CASHIER", "400001"),
    Person("shouyin2", "周洁", "CASHIER", "400002"),
    Person("shouyin3", "孙丽", "CASHIER", "400003"),
    Person("shouyin4", "吴倩", "CASHIER", "400004"),
    Person("jiayou1", "马强", "ATTENDANT", "500001"),
    Person("jiayou2", "杨勇", "ATTENDANT", "500002"),
    Person("jiayou3", "郭涛", "ATTENDANT", "500003"),
    Person("jiayou4", "何军", "ATTENDANT", "500004"),
    Person("jiayou5", "罗平", "ATTENDANT", "500005"),
    Person("jiayou6", "段飞", "ATTENDANT", "500006"),
    Person("yingxiao", "林晓", "MARKETER", "600001"),
    Person("kefu", "高雪", "SERVICE", "700001"),
)
DEMO_PASSWORD = "jiayouzhan2026"

TENDERS = (
    # code, name, kind, drawer, reference, share of the customers
    ("CASH", "现金", "CASH", True, False, 0.13),
    ("WECHAT", "微信", "MANUAL", False, False, 0.47),
    ("ALIPAY", "支付宝", "MANUAL", False, False, 0.22),
    ("BANKCARD", "银行卡", "SLIP", False, True, 0.14),
    ("VOUCHER", "油票", "MANUAL", False, True, 0.02),
    ("PLATFORM", "第三方平台", "MANUAL", False, True, 0.02),
    ("MEMBER", "会员储值", "VALUE", False, False, 0.0),
)


@dataclass(frozen=True)
class ItemPlan:
    code: str
    name: str
    category: str
    barcode: str
    unit: str
    price: str
    cost: str
    weight: int
    favourite: bool = False
    kind: str = "GOODS"


ITEMS = (
    ItemPlan("1001", "农夫山泉 550ml", "饮料", "6921168509256", "瓶", "2.00", "1.02", 30, True),
    ItemPlan("1002", "可口可乐 500ml", "饮料", "6928804011142", "瓶", "3.50", "2.05", 12, True),
    ItemPlan("1003", "红牛 250ml", "饮料", "6920202888883", "罐", "6.00", "4.10", 16, True),
    ItemPlan("1004", "雀巢咖啡 268ml", "饮料", "6917878036977", "瓶", "6.50", "3.90", 9, True),
    ItemPlan("1005", "东鹏特饮 500ml", "饮料", "6934502301232", "瓶", "5.00", "3.10", 14, True),
    ItemPlan("1006", "康师傅冰红茶 500ml", "饮料", "6920459905012", "瓶", "3.50", "2.00", 10, True),
    ItemPlan("2001", "康师傅红烧牛肉面", "食品", "6900873011018", "桶", "5.00", "3.30", 6, True),
    ItemPlan("2002", "双汇火腿肠", "食品", "6902890230120", "根", "2.50", "1.50", 7),
    ItemPlan("2003", "德芙巧克力 43g", "食品", "6914973600362", "块", "9.50", "6.40", 4),
    ItemPlan("2004", "绿箭口香糖", "食品", "6923450605288", "条", "3.00", "1.80", 9, True),
    ItemPlan("2005", "洽洽香瓜子 160g", "食品", "6924187821767", "袋", "8.50", "5.60", 3),
    ItemPlan("3001", "玻璃水 2L", "汽车用品", "6938111500015", "桶", "15.00", "7.20", 6, True),
    ItemPlan("3002", "燃油宝 60ml", "汽车用品", "6938111500107", "瓶", "38.00", "17.50", 4, True),
    ItemPlan("3003", "机油 5W-30 4L", "汽车用品", "6938111500206", "桶", "268.00", "176.00", 1),
    ItemPlan("3004", "车载香水", "汽车用品", "6938111500305", "瓶", "29.00", "12.80", 2),
    ItemPlan("3005", "擦车布", "汽车用品", "6938111500404", "条", "12.00", "4.60", 2),
    ItemPlan("3006", "防冻液 4L", "汽车用品", "6938111500503", "桶", "68.00", "36.00", 2),
    ItemPlan("4001", "抽纸 3 包", "日用品", "6922266454929", "提", "12.00", "7.30", 5, True),
    ItemPlan("4002", "一次性雨衣", "日用品", "6938111500602", "件", "8.00", "2.90", 2),
    ItemPlan("4003", "手机数据线", "日用品", "6938111500701", "条", "25.00", "9.80", 2),
    ItemPlan("9001", "洗车", "服务", "", "次", "25.00", "0", 5, True, "SERVICE"),
    ItemPlan("9002", "轮胎充气", "服务", "", "次", "5.00", "0", 1, False, "SERVICE"),
)

# Who comes again: how many members the old system knew at a whole station, the share of sales that
# are theirs, and which grade they take (a little more 95# than the forecourt as a whole).
MEMBERS, FEWEST_MEMBERS = 1700, 60
MEMBERS_SHARE = 0.38
MEMBERS_BY_GRADE = (47, 32, 5, 16)
# Share of the members, and between how many days they come: taxis, commuters, families, the rare.
HABITS = ((0.03, 0.8, 1.3), (0.30, 5, 8), (0.43, 8, 16), (0.24, 16, 45))
# Of so many members, how many join and how many stop coming in a day; how many slept before.
JOINING_A_DAY, STOPPING_A_DAY, ASLEEP = 0.0018, 0.0016, 0.06
POINTS_ENDING = 0.35  # members with old points that end within the next months
CHURN_DAYS = 45  # ninety days of history know nobody who stayed away for ninety
# Stored value and points at the till: who has an account, and how often points pay a part.
VALUE_SHARE, TOPS_UP, PAYS_WITH_POINTS = 0.05, 0.7, 0.05
LIVE_SALES = 24  # of the shift on duty, through the till's own services


def members_for(busy: float) -> int:
    """How many members the old system knew, for a station so busy."""
    return max(FEWEST_MEMBERS, round(MEMBERS * min(busy, 1.0)))


# Days before today, counted back from the last whole day (1 = yesterday), and what is planted there.
SHORT_DAYS_AGO, SHORT_SHIFT, SHORT_TILL = 4, 1, 1
SHORT_AMOUNT, SHORT_REASON = Decimal("-20.00"), "找零差错，收银员认领"
DRIVE_OFF_DAYS_AGO, DRIVE_OFF_PLATE = 5, "云AX38P1"
MISSED_DAYS_AGO, MISSED_NOZZLE, MISSED_LITRES = 3, 7, Decimal("25.400")
PRICE_DAYS_AGO = 2
WATER_DAYS_AGO, WATER_TANK, WATER_MM = 1, 3, 35
TEST_EVERY_DAYS, TEST_LITRES = 7, Decimal("20.000")


def price_on(grade: GradePlan, steps: int) -> Decimal:
    """The demo price after a number of windows; swings like the real ones, invented all the same."""
    swing = (0, 8, 15, 9, -4, -12, -6, 3, 11, 18, 10, 1)[steps % 12]
    return grade.price + Decimal(swing) / 100


def window_number(day: date) -> int:
    """Which price window a date is in: one every fourteen days."""
    return day.toordinal() // 14
