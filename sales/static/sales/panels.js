// What is not on the main road: parked tickets, prepays, late entries, drive-offs, discounts, members.
// Each is a dialog of plain fields; what is refused stays in it with its words.

import { basketOf, emptyBasket, newKey, offOf, sums, ticketOf } from "./basket.js";
import { leased, takeFill } from "./fills.js";
import { fen, shown, text } from "./money.js";
import * as offline from "./offline.js";
import { letGo, startOffers } from "./offers.js";
import { settle } from "./paying.js";
import { fillPoints, spend, startPoints } from "./points.js";
import { showPrepays } from "./prepays.js";
import { showMall, startRewards } from "./rewards.js";
import { atWork, byId, refuse, state, toast, troubled, urls } from "./screen.js";
import { Away, Refused, get, post } from "./server.js";
import { findMember, startMembers } from "./members.js";
import { changed, reckoned, showMember } from "./ticket.js";
import { sendWaiting } from "./till.js";
import { fillTopUp, topUp } from "./value.js";

let fill = null;
let ask = null;
let approved = null; // what is done with an approver's account and PIN

export const at = (url, id) => url.replace("/0/", `/${id}/`);
export const clock = (moment) => new Date(moment).toLocaleTimeString("zh-CN", { hour: "2-digit", minute: "2-digit" });

export function row(words, facts, ...buttons) {
  const item = document.createElement("li");
  const main = document.createElement("div");
  const name = document.createElement("b");
  name.textContent = words;
  const small = document.createElement("small");
  small.textContent = facts;
  main.append(name, small);
  item.append(main, ...buttons);
  return item;
}

export function button(words, act, kind = "") {
  const made = document.createElement("button");
  made.type = "button";
  made.className = `btn ${kind}`;
  made.textContent = words;
  made.addEventListener("click", act);
  return made;
}

export function nothing(list, words) {
  if (!list.children.length) list.append(row(words, ""));
}

function say(box, words) {
  const notice = box.querySelector(".notice-error");
  if (!notice) return;
  notice.textContent = words || "";
  notice.hidden = !words;
}

// Run what a panel does, one thing at a time; a refusal stays in the panel with its words.
const running = new Set();
export async function attempt(box, act) {
  if (running.has(box)) return null;
  running.add(box);
  try {
    return await heard(box, act);
  } finally {
    running.delete(box);
  }
}

async function heard(box, act) {
  say(box, "");
  try {
    return await act();
  } catch (error) {
    if (error instanceof Refused) say(box, error.message);
    else if (error instanceof Away) say(box, "网络不通，这一步没有送到。网络恢复后再办。");
    else throw error;
    return null;
  }
}

export async function fetched(url) {
  const answer = await get(url);
  if (answer.status === 423) throw new Refused("屏幕已锁定。输口令解锁后再看。");
  if (answer.status === 401) throw new Refused("登录已过期。请刷新页面重新登录。");
  if (!answer.ok) throw new Refused((await answer.json().catch(() => ({}))).error || "没有取到，请刷新。");
  return answer.json();
}

// A word typed in a small dialog; null when the cashier thought better of it. A label that is
// `must` is not left empty.
export function reason(words, label = "原因", must = true) {
  const panel = byId("panel-reason");
  byId("reason-words").textContent = words;
  byId("reason-label").textContent = label;
  byId("reason-text").value = "";
  byId("reason-text").dataset.must = must ? label : "";
  say(panel, "");
  panel.showModal();
  byId("reason-text").focus();
  return new Promise((resolve) => { ask = resolve; });
}

// ---------------------------------------------------------------- lists
const FILL = {
  async parked(panel) {
    const list = byId("parked-list");
    const { parked } = await fetched(urls.parked);
    list.replaceChildren(...parked.map((one) => row(
      `${one.label || one.number}　${shown(fen(one.total))}`, `${one.lines} 行　${one.by}　${one.till}　${clock(one.at)}`,
      button("取单", () => attempt(panel, () => recall(panel, one)), "btn-primary"),
      button("作废", () => attempt(panel, async () => {
        const why = await reason(`作废挂单 ${one.label || one.number}，里面的加油回到待付款。`);
        if (why) { await post(at(urls.void_parked, one.id), { reason: why }); await FILL.parked(panel); }
      })),
    )));
    nothing(list, "没有挂着的单。");
  },
  points: fillPoints,
  prepays: showPrepays,
  topup: fillTopUp,
  rewards: showMall,
  async recent(panel) {
    const list = byId("recent-list");
    const { sales } = await fetched(urls.recent);
    list.replaceChildren(...sales.map((one) => {
      const link = document.createElement("a");
      link.className = "btn";
      link.href = one.url;
      link.textContent = "看单";
      return row(`${one.kind} ${shown(fen(one.due))}　${one.tenders}`, `${one.number}　${clock(one.at)}　${one.lines}`, link,
        button("补打", () => attempt(panel, async () => { await post(one.reprint, { copy: one.copy }); toast("success", `${one.number} 已补打。`); await FILL.recent(panel); })));
    }));
    nothing(list, "本台还没有销售。");
  },
  async recovery() {
    const said = await fetched(urls.recovery);
    const box = byId("recovery-list");
    const list = (title, rows, empty) => {
      const head = document.createElement("h3");
      head.textContent = title;
      const items = document.createElement("ul");
      items.className = "panel-list";
      items.replaceChildren(...rows);
      nothing(items, empty);
      return [head, items];
    };
    box.replaceChildren(
      ...list("缺的", said.missing.map((one) => row(`${one.number} 号枪走字 ${Number(one.litres).toFixed(2)} 升没有加油记录`, `泵码 ${one.totalizer_after}${one.amount ? `　约 ${shown(fen(one.amount))}` : ""}`, button("补上", () => late(one), "btn-primary"))), "没有缺的：每把枪的泵码都对得上。"),
      ...list("没收钱的", said.unpaid.map((one) => row(`${one.nozzle} 号枪 ${shown(fen(one.amount))}`, "", button("收款", () => { byId("panel-recovery").close(); const known = state.fills.find((other) => other.id === one.id); if (known) takeFill(known); else refuse(`${one.nozzle} 号枪 ${one.amount} 元已不在待付款里。`); }))), "没有待付款。"),
      ...list("最近过账", said.sales.map((one) => row(`${shown(fen(one.due))}　${one.number}`, clock(one.at))), "还没有销售。"),
      ...list("泵码", said.nozzles.map((one) => row(`${one.number} 号枪 ${one.totalizer || "没有读数"}`, one.busy ? "加油中" : `最后一笔 ${one.last || "无"}　之后走字 ${Number(one.run).toFixed(2)} 升`)), "没有油枪。"),
    );
  },
  late() { byId("late-at").value = local(new Date()); },
  fill(panel, data) {
    fill = data;
    byId("fill-words").textContent = `${data.nozzle} 号枪　${Number(data.litres).toFixed(2)} 升　${shown(fen(data.amount))}`;
    const free = panel.querySelector("[data-free]");
    free.hidden = !data.held || !state.setup.rights.includes("sales.approve");
  },
  discount() {
    const choose = byId("discount-line");
    const whole = new Option("整单", "");
    choose.replaceChildren(whole, ...state.basket.lines.map((one, index) => new Option(`${one.name} ${text(one.amount)} 元`, index)));
    byId("discount-amount").value = byId("discount-reason").value = "";
  },
  async member(panel, words) {
    byId("member-list").replaceChildren();
    byId("member-join").hidden = true;
    byId("member-plate").value = "";
    byId("member-text").value = words?.scan || (typeof words === "string" ? words : "");
    if (byId("member-text").value) await findMember(Boolean(words?.scan));
  },
  approve(panel, words) { byId("approve-words").textContent = words || ""; approved = settle; },
  async offline() {
    const count = window.indexedDB ? await offline.waiting() : 0;
    const enrolled = offline.secure() && state.setup.till.enrolled && await offline.hasKey(state.setup.till.id);
    byId("offline-words").textContent = `${state.away ? "现在断网。" : "网络正常。"}${count ? `有 ${count} 笔等着补传。` : "没有等着补传的。"}${enrolled ? "本机密钥已登记。" : "本机密钥还没有登记，断网收的款要登记后才能补传。"}`;
    byId("enrol-form").hidden = enrolled || !offline.secure();
    byId("upload-now").disabled = !count || state.away;
  },
};

const local = (moment) => new Date(moment - moment.getTimezoneOffset() * 60000).toISOString().slice(0, 16);

async function recall(panel, one) {
  if (state.basket.lines.length) throw new Refused("没有取单：单上还有内容，请先收款或挂单。");
  const { basket, member } = await post(at(urls.recall, one.id), {});
  state.turn += 1;
  state.basket = { ...basketOf(basket), member };
  panel.close();
  changed();
  showMember();
}

// Ask a second person for account and PIN, then do what waits for it; a refusal is said where it came from.
export function withApprover(words, act) {
  openPanel("approve", words);
  approved = act;
}

function late(one) {
  byId("panel-recovery").close();
  openPanel("late");
  byId("late-nozzle").value = one.nozzle;
  byId("late-litres").value = one.litres;
  byId("late-price").value = one.unit_price;
  byId("late-amount").value = one.amount;
  byId("late-totalizer").value = one.totalizer_after;
  byId("panel-late").querySelector("[name=gap]").value = one.gap || "";
  byId("late-reason").value = "恢复核对：停电或断网后泵码多走";
}

// ---------------------------------------------------------------- forms
const SEND = {
  late: (data) => post(urls.late_entry, data),
  use: (data) => post(at(urls.fill_use, fill.id), data),
  driveOff: (data, form) => post(at(urls.fill_drive_off, fill.id), new FormData(form)),
  prepay: (data) => post(urls.prepay_new, { ...data, member: state.basket.member?.id || "" }),
  topup: topUp,
};
const SENT = { late: "已补录，在待付款里等收款。", use: "已登记。", driveOff: "跑单已登记。", prepay: "预付已收，已授权。", topup: "已充值。" };

function discount(panel) {
  const amount = fen(byId("discount-amount").value);
  const why = byId("discount-reason").value.trim();
  if (amount === null || amount < 0) throw new Refused("金额不对，请改正。");
  if (amount && !why) throw new Refused("请写明原因。");
  const index = byId("discount-line").value;
  const { basket } = state;
  if (index === "") { basket.discount = amount; basket.reason = why; } else { basket.lines[index].discount = amount; basket.lines[index].reason = why; }
  if (sums(basket, state.setup).net < 0 || (index !== "" && amount > basket.lines[index].amount - offOf(basket.lines[index]))) {
    if (index === "") basket.discount = 0; else basket.lines[index].discount = 0;
    throw new Refused("优惠超过了金额，请改小。");
  }
  basket.tenders = [];
  panel.close();
  changed();
}

async function enrol(form) {
  const { pair, point, save } = await offline.makeKey(state.setup.till.id);
  const data = Object.fromEntries(new FormData(form));
  await post(urls.till_enrol, { ...data, public_key: point });
  await save();
  state.setup.till.enrolled = Boolean(pair);
  toast("success", "本机密钥已登记。");
  await FILL.offline();
}

async function park() {
  const { basket } = state;
  if (atWork()) return undefined;
  if (!basket.lines.length) return refuse("单是空的，没有可挂的。");
  if (state.away) return refuse("断网时不能挂单：别的收银台取不到。请收款，或等网络恢复。");
  const label = await reason("挂单，任何一台都能取。", "备注（车型、车牌、客人）", false);
  if (label === null || atWork() || state.basket !== basket) return undefined;
  state.busy = true;
  try {
    if (await leased()) {
      await post(urls.park, { basket: { ...ticketOf({ ...basket, tenders: [] }, state.setup) }, total: text(sums(basket, state.setup).net), label });
      state.turn += 1;
      letGo(basket);
      state.basket = emptyBasket();
    }
  } catch (error) { troubled(error); } finally { state.busy = false; }
  changed();
  showMember();
  return undefined;
}

async function clear() {
  const { basket } = state;
  if (!basket.lines.length || atWork()) return;
  const why = await reason("清空整单，里面的加油回到待付款。");
  if (!why || atWork() || state.basket !== basket) return;
  const fills = basket.lines.filter((one) => one.fill).map((one) => one.fill);
  state.turn += 1;
  letGo(basket);
  state.basket = emptyBasket();
  changed();
  showMember();
  if (state.away) return;
  try {
    if (fills.length) await post(urls.put_back, { fills });
    await post(urls.void_basket, { lines: basket.lines.length, total: text(sums(basket, state.setup).net), reason: why });
  } catch (error) { troubled(error); }
}

// ---------------------------------------------------------------- opening and closing
export function openPanel(name, data) {
  const panel = byId(`panel-${name}`);
  panel.querySelectorAll(".notice-error").forEach((notice) => { notice.hidden = true; });
  panel.querySelectorAll("[data-newkey]").forEach((field) => { field.value = newKey(); });
  if (!panel.open) panel.showModal();
  panel.querySelector("input:not([type=hidden]), select")?.focus();
  if (FILL[name]) heard(panel, async () => FILL[name](panel, data));
}

export function startPanels() {
  startRewards();
  const options = (list, value, words) => list.map((one) => new Option(words(one), one[value]));
  document.querySelectorAll("[data-nozzles]").forEach((select) => select.replaceChildren(...options(state.setup.nozzles, "id", (one) => `${one.number} 号枪 ${one.grade}`)));
  document.querySelectorAll("[data-tenders]").forEach((select) => select.replaceChildren(...options(state.setup.tenders.filter((one) => !one.value), "code", (one) => one.name)));
  document.querySelectorAll("[data-open]").forEach((opener) => opener.addEventListener("click", () => openPanel(opener.dataset.open)));
  document.querySelectorAll("[data-close]").forEach((closer) => closer.addEventListener("click", () => closer.closest("dialog").close()));
  document.querySelectorAll("form[data-post]").forEach((form) => form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(form, async () => {
      await SEND[form.dataset.post](Object.fromEntries(new FormData(form)), form);
      form.reset();
      form.closest("dialog").close();
      toast("success", SENT[form.dataset.post]);
    });
  }));
  const on = (id, act) => byId(id).addEventListener("submit", (event) => { event.preventDefault(); attempt(event.target, () => act(event.target.closest("dialog"), event.target)); });
  startPoints();
  on("member-form", () => findMember());
  startMembers(on);
  on("discount-form", async (panel) => discount(panel));
  on("enrol-form", (panel, form) => enrol(form));
  on("approve-form", async (panel, form) => {
    const approver = Object.fromEntries(new FormData(form));
    if (!approver.approver.trim() || !approver.approver_secret) throw new Refused("请审批人输入账号和口令。");
    form.reset();
    panel.close();
    await approved(approver);
  });
  on("reason-form", async (panel) => {
    const said = byId("reason-text").value.trim();
    if (!said && byId("reason-text").dataset.must) throw new Refused(`请填写${byId("reason-text").dataset.must}。`);
    ask?.(said);
    ask = null;
    panel.close();
  });
  byId("panel-reason").addEventListener("close", () => { ask?.(null); ask = null; });
  byId("panel-fill").querySelector("[data-free]").addEventListener("click", () => attempt(byId("panel-fill").querySelector("form"), async () => { await post(urls.set_free, { fills: [fill.id] }); byId("panel-fill").close(); }));
  startOffers(reckoned);
  byId("park").addEventListener("click", park);
  byId("clear").addEventListener("click", clear);
  byId("upload-now").addEventListener("click", async () => { await sendWaiting(); await FILL.offline(); });
}
