"""The lists of dotted names that settings carry: the only door by which this floor reaches up."""

from __future__ import annotations

# Where each role starts; the first URL name that exists and the role may open.
HOME = {
    "OWNER": ["finance:owner"],
    "MANAGER": ["sales:wall"],
    "ACCOUNTANT": ["finance:reports"],
    "CASHIER": ["sales:till"],
    "ATTENDANT": ["sales:attendant", "sales:wall"],
}
# The left menu: (title, icon, [(title, URL name)]); an entry shows where its URL exists and the role may open it.
MENU = [
    (
        "收银台",
        "outline/cash-register",
        [("收银台", "sales:till"), ("销售单", "sales:sales"), ("待处理", "sales:discrepancies")],
    ),
    (
        "加油现场",
        "outline/gas-station",
        [
            ("现场看板", "sales:wall"),
            ("员工手机", "sales:attendant"),
            ("一枪一码", "sales:nozzle_codes"),
            ("加油记录", "devices:fills"),
            ("服务时长", "sales:service_times"),
        ],
    ),
    (
        "班次与日结",
        "outline/calendar-time",
        [
            ("当前班次", "sales:shift"),
            ("班次列表", "sales:shifts"),
            ("收银班", "sales:sessions"),
            ("现金保管", "sales:custody"),
            ("我的长短款", "sales:my_over_short"),
            ("日结", "finance:days"),
        ],
    ),
    (
        "油品库存",
        "outline/droplet",
        [
            ("油罐", "inventory:tanks"),
            ("卸油单", "inventory:deliveries"),
            ("液位仪进油", "inventory:gauge-deliveries"),
            ("罐存记录", "inventory:dips"),
            ("盘点损溢", "inventory:reconciliation"),
            ("损溢归因", "inventory:attributions"),
            ("损耗剔温", "inventory:standard-losses"),
            ("损耗定额", "inventory:allowances"),
        ],
    ),
    (
        "便利店",
        "outline/shopping-cart",
        [
            ("商品", "inventory:items"),
            ("库存流水", "inventory:stock_moves"),
            ("存货地点", "inventory:places"),
        ],
    ),
    (
        "会员",
        "outline/users",
        [
            ("会员", "members:members"),
            ("单位客户", "members:companies"),
            ("入会二维码", "members:poster"),
            ("会员等级", "members:tiers"),
            ("可能重复", "members:pairs"),
            ("资料质量", "members:quality"),
            ("消息记录", "members:messages"),
            ("会员目标", "members:targets"),
            ("会员流失", "members:churn"),
            ("会员活动", "members:events"),
            ("会员礼遇", "members:gift_plans"),
            ("礼遇跟进", "marketing:gifts"),
            ("导入会员", "members:imports"),
        ],
    ),
    (
        "积分",
        "outline/coins",
        [
            ("积分规则", "members:points_rules"),
            ("积分报表", "members:points_report"),
            ("积分调整", "members:points_adjustments"),
            ("异常名单", "members:risk_cases"),
            ("风控规则", "members:risk_rules"),
            ("家庭与单位积分", "members:pools"),
            ("合作商家", "members:partners"),
            ("积分互换单", "members:exchanges"),
            ("礼品", "members:rewards"),
            ("礼品分类", "members:reward_categories"),
            ("兑换单", "members:redemptions"),
            ("积分商城报告", "members:reward_report"),
        ],
    ),
    (
        "储值",
        "outline/wallet",
        [
            ("储值账户", "members:value_accounts"),
            ("充值单", "sales:top_ups"),
            ("自助充值单", "sales:kiosk_orders"),
            ("充值档位", "members:value_plans"),
            ("储值余额", "members:value_liability"),
        ],
    ),
    (
        "营销",
        "outline/discount",
        [
            ("促销", "marketing:promotions"),
            ("优惠券", "marketing:templates"),
            ("券批次", "marketing:batches"),
            ("券查询", "marketing:coupons"),
            ("领券", "marketing:claim"),
            ("锁价", "marketing:locks"),
            ("促销成本", "marketing:costs"),
            ("权益成本", "marketing:benefits"),
        ],
    ),
    (
        "报表",
        "outline/chart-bar",
        [
            ("今日", "finance:owner"),
            ("经营看板", "finance:dashboard"),
            ("加油站日报", "finance:daily"),
            ("经营报表", "finance:reports"),
        ],
    ),
    (
        "设备",
        "outline/plug",
        [
            ("设备状态", "devices:status"),
            ("告警", "devices:alarms"),
            ("设备台账", "devices:machines"),
            ("检定与自校", "devices:tests"),
            ("维修", "devices:repairs"),
            ("接线调试", "devices:probes"),
            ("接线", "devices:lines"),
            ("加油机地址", "devices:dispensers"),
            ("液位仪", "devices:gauges"),
            ("读卡器和扫码枪", "devices:readers"),
            ("打印机", "devices:printers"),
            ("客显", "devices:displays"),
            ("价格牌", "devices:signs"),
            ("自助终端", "devices:kiosks"),
            ("打印队列", "sales:receipts"),
            ("换表", "devices:meters"),
            ("报文", "devices:frames"),
            ("刷卡与扫码", "devices:swipes"),
            ("车牌识别", "devices:plates"),
            ("车牌摄像头", "devices:cameras"),
            ("运行状况", "station:health"),
        ],
    ),
    (
        "设置",
        "outline/settings",
        [
            ("油站设置", "station:site"),
            ("价格", "sales:prices"),
            ("人员与权限", "station:people"),
            ("上线检查", "station:go_live"),
            ("限额与参数", "station:settings"),
            ("节假日历", "station:calendar"),
            ("预警", "station:alerts"),
            ("后台任务", "station:jobs"),
            ("审计日志", "station:audit"),
        ],
    ),
]
# Pages of a section that only a demo has.
DEMO_PAGES = {"设备": [("模拟设备", "devices:simulated")]}
# Where everybody starts in a practice station.
PRACTICE_PAGE = "finance:practice"
# What a swipe or scan opens on a page of the staff: by its meaning, the right and the URL name.
READ_PAGES: dict[str, tuple[str, str]] = {
    "MEMBER_CARD": ("members.view", "members:member"),
    "DOCUMENT": ("sales.view", "sales:sale"),
}
# Providers: dotted path of `f(*, query: str, user: User, stations: QuerySet) -> list[station.queries.search.Hit]`.
SEARCH = [
    "devices.queries.search.hits",
    "sales.queries.search.hits",
    "inventory.queries.search.hits",
    "members.queries.search.hits",
]
# Providers: dotted path of `f(*, at: datetime) -> list[station.queries.health.Check]`.
HEALTH = [
    "station.queries.health.core_checks",
    "devices.queries.health.checks",
    "sales.queries.health.checks",
    "inventory.queries.proof.checks",
]
# Long work by kind: title, and dotted path of `f(*, job: Job, at: datetime) -> Mapping | None`.
JOBS: dict[str, tuple[str, str]] = {
    "members.export": ("导出会员资料", "members.services.exporting.run"),
    "members.import_check": ("检查会员文件", "members.services.importing.run_check"),
    "members.import": ("导入会员", "members.services.importing.run_import"),
    "members.import_undo": ("撤销会员导入", "members.services.importing.run_undo"),
}
# What a person gets of his data: dotted path of `f(*, member: Member) -> list[members.queries.dossier.Sheet]`.
DOSSIERS: list[str] = [
    "members.queries.dossier_ledgers.sheets",
    "members.queries.dossier_benefits.sheets",
    "marketing.queries.dossier.sheets",
]
# What else ends when a member is closed: dotted path of a `members.services.closing.Closing`.
CLOSINGS: list[str] = [
    "marketing.services.closing.COUPONS",
    "marketing.services.closing.LOCKS",
]
# What moves when two members become one: dotted path of a `members.services.merging.Mover`.
MERGES: list[str] = [
    "members.services.merge_pools.POOLS",
    "members.services.merge_points.POINTS",
    "members.services.merge_value.VALUE",
    "marketing.services.merge_coupons.COUPONS",
    "marketing.services.merge_locks.LOCKS",
    "members.services.merge_tiers.TIERS",
    "members.services.merge_rewards.REWARDS",
]
# What else a file of members may bring: dotted path of a `members.services.import_rows.Extra`.
IMPORTERS: list[str] = [
    "members.services.import_points.POINTS",
    "members.services.import_value.VALUE",
]
# Go-live self-checks: dotted path of `f(*, station: Station, at: datetime) -> list[station.queries.go_live.Finding]`.
GO_LIVE = [
    "station.queries.go_live.site_findings",
    "devices.queries.go_live.findings",
    "inventory.queries.go_live.findings",
    "sales.queries.go_live.findings",
]
# The member's phone: pages on its first page and under 我的, (title, icon, URL name under /m/).
PHONE_PAGES = [
    ("积分", "outline/coins", "phone:points"),
    ("优惠券", "outline/ticket", "my_coupons:coupons"),
    ("积分商城", "outline/gift", "phone:mall"),
    ("我的兑换", "outline/package", "phone:orders"),
    ("储值", "outline/wallet", "phone:value"),
    ("会员等级", "outline/award", "phone:tier"),
    ("消费记录", "outline/receipt", "phone:purchases"),
    ("家庭积分", "outline/users", "phone:family"),
    ("今日油价", "outline/gas-station", "phone:prices"),
    ("附近油站", "outline/map-pin", "phone:stations"),
    ("我的车辆", "outline/car", "phone:vehicles"),
    ("会员活动", "outline/calendar-time", "phone:events"),
]
# Figures on its first page: dotted path of
# `f(*, member: Member, at: datetime) -> list[members.queries.phone.Fact]`; asked every few seconds.
PHONE_FACTS = [
    "members.queries.phone.standing",
    "members.queries.phone_balances.points",
    "members.queries.phone_balances.value",
    "marketing.queries.phone.figures",
]
# Who checks a code that shows a member to be present: dotted path of
# `f(*, member_id: int, code: str, at: datetime) -> bool`, which counts wrong tries itself.
PRESENCE: list[str] = []
# The ways of paying, for offers that are limited to some: dotted path of `f() -> dict[str, str]`,
# names by code in the till's order.
TENDERS = "sales.queries.tenders.names"
# What is woken when points buy a coupon: the task of whoever issues coupons.
ISSUE_REWARD_COUPONS = "marketing.tasks.issue_reward_coupons"
# What is woken when a member is to have a gift: the task that gives coupons and points.
GIVE_GIFTS = "marketing.tasks.give_gifts"
