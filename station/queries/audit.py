"""The audit log, read: by document, by person, by act, by time."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from station.models import Assignment, AuditEntry, User
from station.queries.listing import within

OTHER = "其他操作"
# What each act is called. An act that is missing here fails a test, not a page.
ACTIONS: dict[str, str] = {
    "export": "导出",
    "station.day.opened": "开始营业日",
    "station.day.cut": "营业日截止",
    "station.day.closed": "营业日冻结",
    "station.alert.seen": "接手预警",
    "station.alert.handled": "处理预警",
    "station.setting.changed": "修改参数",
    "station.attachment.added": "上传附件",
    "station.sign_in": "登录",
    "station.practice.result": "练习成绩",
    "station.sign_in.locked": "登录锁定",
    "station.pin.set": "设置口令",
    "station.pin.locked": "口令锁定",
    "station.password.changed": "修改密码",
    "station.second_factor.bound": "绑定手机动态码",
    "station.second_factor.codes_renewed": "换恢复码",
    "station.second_factor.reset": "解除手机动态码",
    "station.person.added": "新增人员",
    "station.person.roles_changed": "修改角色",
    "station.person.renamed": "修改姓名",
    "station.person.deactivated": "停用账号",
    "station.person.activated": "恢复账号",
    "station.person.password_reset": "重设密码",
    "station.person.unlocked": "解除锁定",
    "station.person.second_factor_reset": "重设第二验证",
    "station.pattern.saved": "保存班次制度",
    "station.pattern.chosen": "选用班次制度",
    "station.calendar.saved": "修改节假日历",
    "station.calendar.removed": "删去节假日",
    "station.calendar.filled": "补全节假日历",
    "station.strapping.replaced": "更换罐容表",
    "members.member.joined": "登记会员",
    "members.member.changed": "修改会员资料",
    "members.member.unmasked": "查看会员完整资料",
    "members.member.forgotten": "注销会员并销毁资料",
    "members.member.confirmed": "核对会员资料",
    "members.member.frozen": "冻结会员",
    "members.member.unfrozen": "解冻会员",
    "members.member.merged": "合并会员",
    "members.member.unmerged": "撤销合并会员",
    "members.pair.dismissed": "判为不同会员",
    "members.export.asked": "导出会员资料",
    "members.export.fetched": "下载会员资料",
    "members.list.exported": "审批成批导出会员",
    "members.import.uploaded": "上传会员文件",
    "members.import.done": "导入会员",
    "members.import.undone": "撤销导入会员",
    "members.card.issued": "给会员发卡",
    "members.card.replaced": "给会员补卡",
    "members.card.moved": "会员卡挂失、恢复、注销",
    "members.consent.given": "登记会员同意",
    "members.consent.withdrawn": "撤回会员同意",
    "members.points.adjusted": "人工调整积分",
    "members.risk.rule_saved": "修改风控规则",
    "members.risk.cleared": "排除异常",
    "members.risk.confirmed": "确认异常",
    "members.gift.plan_saved": "修改会员礼遇方案",
    "members.event.saved": "保存会员活动",
    "members.event.cancelled": "取消会员活动",
    "members.event.signed_up": "代会员报名活动",
    "members.event.withdrawn": "代会员取消报名",
    "members.event.checked_in": "会员活动签到",
    "members.target.saved": "设定会员目标",
    "members.target.struck": "删去会员目标",
    "members.points.rule_saved": "修改积分规则",
    "members.points.program_saved": "修改积分方案",
    "members.points.staff_named": "登记员工本人的积分账户",
    "members.points.frozen": "冻结积分",
    "members.partner.added": "新增合作商家",
    "members.partner.secret": "换合作商家密钥",
    "members.partner.started": "启用合作商家",
    "members.partner.stopped": "停用合作商家",
    "members.partner.planned": "提交兑换方案",
    "members.partner.approved": "审批兑换方案",
    "members.partner.withdrawn": "停用兑换方案",
    "members.partner.bill_told": "登记合作商家的账单",
    "members.partner.closed": "结合作商家月账",
    "members.exchange.reversed": "冲回积分互换",
    "members.pool.opened": "建立积分池",
    "members.pool.invited": "邀请加入积分池",
    "members.pool.joined": "加入积分池",
    "members.pool.declined": "邀请未成",
    "members.pool.terms": "改积分池条件",
    "members.pool.left": "离开积分池",
    "members.pool.heir_asked": "请人接任户主",
    "members.pool.heir_gone": "接任户主未成",
    "members.pool.headed": "户主交接",
    "members.pool.passed": "积分池随会员合并",
    "members.pool.dissolved": "解散积分池",
    "members.points.unfrozen": "解冻积分",
    "members.company.added": "登记单位客户",
    "members.company.changed": "修改单位客户",
    "members.company.pair": "设定车队双重识别",
    "members.company.unmasked": "查看单位完整资料",
    "members.value.opened": "开储值账户",
    "members.value.frozen": "冻结储值账户",
    "members.value.released": "恢复储值账户",
    "members.value.lost": "挂失储值卡",
    "members.value.renewed": "激活不记名卡",
    "members.value.reissued": "补发储值卡",
    "members.value.pin_set": "设置支付密码",
    "members.value.plan_saved": "修改充值档位",
    "members.driver.added": "登记车队司机",
    "members.driver.removed": "移除车队司机",
    "members.vehicle.added": "登记车辆",
    "members.vehicle.removed": "移除车辆",
    "marketing.promotion.planned": "制定促销",
    "marketing.promotion.approved": "审批促销",
    "marketing.promotion.rejected": "驳回促销",
    "marketing.promotion.stopped": "停止促销",
    "marketing.coupontemplate.planned": "制定券",
    "marketing.coupontemplate.approved": "审批券",
    "marketing.coupontemplate.rejected": "驳回券",
    "marketing.coupontemplate.stopped": "停用券",
    "marketing.lock.granted": "发锁价",
    "marketing.lock.planned": "提交锁价",
    "marketing.lock.approved": "审批锁价",
    "marketing.lock.rejected": "驳回锁价",
    "marketing.lock.stopped": "停止锁价",
    "marketing.batch.made": "建立券批次",
    "marketing.batch.closed": "停发券批次",
    "marketing.coupon.issued": "发券",
    "marketing.coupon.voided": "作废券",
    "members.tiers.founded": "启用默认会员等级",
    "members.tier.saved": "修改会员等级",
    "members.tier.benefits_set": "修改等级权益",
    "members.tier.set": "人工调整会员等级",
    "members.tier_rule.set": "修改定级规则",
    "members.reward.saved": "修改礼品",
    "members.reward_category.saved": "修改礼品分类",
    "members.redemption.vouched": "另一人核验后兑换",
    "members.redemption.cancelled": "取消兑换单",
    "devices.frames.taken": "下载报文",
    "devices.probe.asked": "试接",
    "devices.probe.cancelled": "取消试接",
    "devices.authorise": "授权加油",
    "devices.cancel": "取消授权",
    "devices.stop": "停枪",
    "devices.stop_all": "全站急停",
    "devices.release_all": "解除急停",
    "devices.hold.lifted": "解除水高停售",
    "devices.gaugetank.saved": "保存液位仪接线",
    "devices.alarm.seen": "接手告警",
    "devices.alarm.handled": "处理告警",
    "devices.kiosk.paired": "登记自助终端",
    "devices.kiosk.revoked": "停用自助终端",
    "devices.camera.saved": "登记或修改车牌摄像头",
    "devices.camera.key": "换摄像头密钥",
    "devices.plate.corrected": "更正车牌识别",
    "devices.card.issued": "发卡",
    "devices.card.active": "恢复卡",
    "devices.card.lost": "挂失卡",
    "devices.card.cancelled": "注销卡",
    "devices.suspend": "暂停加油",
    "devices.resume": "继续加油",
    "devices.line.saved": "修改线路",
    "devices.dispenserwiring.saved": "修改加油机接线",
    "devices.reader.saved": "修改读卡器",
    "devices.printer.saved": "修改打印机",
    "devices.poledisplay.saved": "修改客显",
    "devices.pricesign.saved": "修改价格牌",
    "devices.pricesign.rows": "修改价格牌各行的油品",
    "devices.gap.explained": "解释泵码缺口",
    "devices.meter.changed": "换表",
    "devices.rule.saved": "修改读卡规则",
    "devices.equipment.saved": "登记设备",
    "devices.equipment.moved": "改设备状态",
    "devices.certificate.added": "登记证书",
    "devices.certificate.voided": "作废证书",
    "devices.seal.put": "登记铅封",
    "devices.seal.broken": "登记拆封",
    "devices.test.recorded": "登记检定或自校",
    "devices.test.voided": "作废检定或自校",
    "devices.repair.reported": "报修",
    "devices.repair.taken": "维修接单",
    "devices.repair.done": "维修完工",
    "devices.repair.returned": "验收不合格，返修",
    "devices.repair.accepted": "验收维修",
    "devices.repair.withdrawn": "撤销维修单",
    "inventory.delivery.plan": "开卸油单",
    "inventory.delivery.start": "开始卸油",
    "inventory.delivery.measure": "卸油计量",
    "inventory.delivery.post": "卸油入账",
    "inventory.delivery.cancel": "作废卸油单",
    "inventory.item.saved": "修改商品",
    "inventory.category.saved": "修改商品类别",
    "inventory.supplier.saved": "修改供应商",
    "inventory.stock.adjust": "调整商品库存",
    "inventory.tank.adjust": "调整罐存",
    "sales.ceiling.published": "登记最高零售价",
    "sales.late_entry": "人工补录加油",
    "sales.reprint": "补打小票",
    "sales.shift.printed": "打印班结单",
    "sales.printer.tried": "试打",
    "sales.drawer.opened": "不收款开钱箱",
    "sales.receipt.retried": "重试打印",
    "sales.shift.corrected": "订正班次",
    "sales.till.enrolled": "登记收银台设备",
    "sales.basket.voided": "作废未收款单据",
    "sales.cash.drop": "中途缴款",
    "sales.cash.paid_in": "零星收入",
    "sales.cash.paid_out": "零星支出",
    "sales.fill.test": "检定回罐",
    "sales.fill.own_use": "自用油",
    "sales.cash.deposited": "现金缴存银行",
    "sales.discount": "手工优惠",
    "sales.discrepancy.worked_off": "处理差异",
    "sales.drive_off": "登记跑单",
    "sales.drive_off.recovered": "跑单追回",
    "sales.drive_off.written_off": "跑单核销",
    "sales.lease.freed": "解除加油记录锁定",
    "sales.parked.voided": "作废挂单",
    "sales.prepay.asked": "要求改动预付",
    "sales.prepay.kept": "预付没有改动",
    "sales.prepay.cancelled": "取消预付",
    "sales.prepay.moved": "预付换枪",
    "sales.prepay.refunded": "预付退款",
    "sales.price.planned": "制定调价单",
    "sales.price.rejected": "驳回调价",
    "sales.price.withdrawn": "撤销调价",
    "sales.sign.confirmed": "确认价格牌已改好",
    "sales.sign.overridden": "不等价格牌，先改枪",
    "sales.sign.not_waited": "不等油枪，先改价格牌",
    "sales.price.in_force": "调价执行",
    "sales.session.opened": "开始收银",
    "sales.session.ended": "结束收银",
    "sales.session.counted": "盲点现金",
    "sales.session.accepted": "交接认可",
    "sales.shift.opened": "接班",
    "sales.shift.handed_over": "交班",
    "sales.price.approved": "批准调价",
    "sales.refund": "退款",
    "sales.reversal": "冲红",
    "sales.shift.closed": "班结",
    "sales.shift.crew_changed": "更换当班人员",
    "sales.shift.litres_explained": "解释升数差异",
    "sales.top_up.refunded": "储值退款",
    "sales.tender.changed": "更正付款方式",
    "sales.tender.saved": "修改付款方式表",
    "finance.founding.layout": "新站布置",
    "finance.founding.totalizers": "新站录入初始泵码",
    "finance.founding.balance": "新站录入期初",
    "finance.founding.live": "新站正式启用",
    "finance.day.closed": "日结",
    "finance.difference.accepted": "认可差异",
}


def action_label(action: str) -> str:
    """An act in words; one nobody named is 其他操作 with its code."""
    return ACTIONS.get(action, f"{OTHER}（{action}）")


def entries_seen_by(user: User) -> QuerySet[AuditEntry]:
    """Entries of the stations a person may see. Those of no station belong to who sees all."""
    mine = Assignment.objects.filter(user=user)
    if mine.filter(station=None).exists():
        return AuditEntry.objects.all()
    return AuditEntry.objects.filter(station__in=mine.values("station"))


def searched(
    entries: QuerySet[AuditEntry],
    *,
    since: Any = None,
    until: Any = None,
    actor: str = "",
    action: str = "",
    document: str = "",
) -> QuerySet[AuditEntry]:
    """Narrow by local dates (both included), part of a name, act, and document number."""
    narrowed = Q()
    if actor:
        narrowed &= Q(actor_name__icontains=actor) | Q(actor__username=actor)
    if action:
        narrowed &= Q(action=action)
    if document:
        narrowed &= Q(document=document.strip())
    found = entries.filter(narrowed).select_related("station")
    return within(found, "at", since=since, until=until)


def history_of(document: str, *, most: int = 100) -> list[AuditEntry]:
    """What happened to a document, newest first, each entry with `label`. One statement."""
    entries = list(AuditEntry.objects.filter(document=document).order_by("-id")[:most])
    for entry in entries:
        entry.label = action_label(entry.action)  # type: ignore[attr-defined]
    return entries


def changes(entry: AuditEntry) -> str:
    """What an entry changed, in one line: 价格：7.85 → 7.90；说明：… ."""
    before, after = entry.before or {}, entry.after or {}
    said = []
    for field in dict.fromkeys((*before, *after)):
        old, new = before.get(field), after.get(field)
        if old == new:
            continue
        said.append(f"{field}：{new}" if field not in before else f"{field}：{old} → {new}")
    return "；".join(said)
