// 预付: what is open, what is due back, and what waits for its pump.

import { at, attempt, button, clock, fetched, nothing, reason, row, withApprover } from "./panels.js";
import { fen, shown } from "./money.js";
import { arrange, byId, setup, toast, urls } from "./screen.js";
import { Refused, post } from "./server.js";

let again = 0;
let rows = new Map(); // by the prepay's id: what it showed, and its row

export async function showPrepays(panel) {
  const { prepays } = await fetched(urls.prepays);
  clearTimeout(again);
  // While a pump is waited for, the list looks again: its words are what the cashier tells the customer.
  if (prepays.some((one) => one.waits)) again = setTimeout(() => { if (panel.open) showPrepays(panel).catch(() => {}); }, 1000);
  const shownBefore = rows;
  rows = new Map(prepays.map((one) => [one.id, rowOf(panel, one, shownBefore.get(one.id))]));
  arrange(byId("prepay-list"), [...rows.values()].map((one) => one.node));
  nothing(byId("prepay-list"), "没有未结的预付，也没有应退的钱。");
}

// The row stays the same while only the seconds go on: its buttons may be under a finger.
function rowOf(panel, one, before) {
  const facts = JSON.stringify({ ...one, waits: Boolean(one.waits) });
  if (before?.facts === facts) {
    if (one.waits) before.node.querySelector(".waits").textContent = one.waits;
    return before;
  }
  return { facts, node: prepayRow(panel, one) };
}

function prepayRow(panel, one) {
  const state = one.open ? one.authorisation : `应退 ${shown(fen(one.due))}`;
  const item = row(
    `${one.nozzle} 号枪　预付 ${shown(fen(one.amount))}${one.sold ? `　加了 ${shown(fen(one.sold))}` : ""}${one.off ? `　优惠 ${shown(fen(one.off))}` : ""}`,
    `${one.number}　${one.status}　${state}　${clock(one.at)}`,
    ...actions(panel, one),
  );
  const words = one.waits || one.told;
  if (words) {
    const note = document.createElement("small");
    note.className = one.waits ? "waits" : "told";
    note.textContent = words;
    item.firstElementChild.append(note);
  }
  return item;
}

function actions(panel, one) {
  const act = (words, does, kind) => {
    const made = button(words, () => attempt(panel, does), kind);
    made.dataset.act = `${one.id}:${words}`;
    return made;
  };
  if (!one.open) return [act(`退 ${shown(fen(one.due))}`, () => paidBack(panel, one), "btn-primary")];
  if (one.may_give_up) return [act("由人确认", async () => giveUp(panel, one), "btn-danger")];
  if (one.cancels) return [];
  return [act("换枪", () => moved(panel, one)), act("取消", () => cancelled(panel, one))];
}

function tell(done, words, waiting) {
  toast(done ? "success" : "info", done ? words : waiting);
}

async function cancelled(panel, one) {
  const why = await reason(`取消预付 ${one.number}，油枪确认没有加油后全额应退。`);
  if (!why) return;
  const { done } = await post(at(urls.prepay_cancel, one.id), { reason: why });
  tell(done, "已取消，可以退款。", `等 ${one.nozzle} 号枪确认没有加油，确认后才能退款。`);
  await showPrepays(panel);
}

async function moved(panel, one) {
  const number = await reason(`${one.number} 换到哪一把枪？`, "枪号");
  if (!number) return;
  const nozzle = setup.nozzles.find((other) => String(other.number) === number.normalize("NFKC").trim());
  if (!nozzle) throw new Refused(`没有 ${number} 号枪。`);
  const { done } = await post(at(urls.prepay_move, one.id), { nozzle: nozzle.id });
  tell(done, `已授权 ${nozzle.number} 号枪。`, `等 ${one.nozzle} 号枪确认没有加油，再授权 ${nozzle.number} 号枪。`);
  await showPrepays(panel);
}

function giveUp(panel, one) {
  withApprover(`${one.nozzle} 号枪没有应答。请另一人看过加油机，确认 ${one.number} 一滴没加，再输入账号和口令。以后若有加油，会在待付款里等收款。`, (approver) => attempt(panel, async () => {
    await post(at(urls.prepay_give_up, one.id), approver);
    toast("success", "已取消，可以退款。");
    await showPrepays(panel);
  }));
}

async function paidBack(panel, one) {
  const reference = await reason(`退 ${one.due} 元给顾客（原付款方式）。现金直接确定；刷卡填退款小票的凭证号。`, "退款凭证号", false);
  if (reference === null) return;
  await post(at(urls.prepay_refund, one.id), { reference });
  toast("success", `已退 ${one.due} 元。`);
  await showPrepays(panel);
}
