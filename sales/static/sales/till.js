// The till: three columns over one basket. What the server says comes with the pulse each second;
// what the cashier does is kept in the browser until it is settled or put aside.

import { addFill, addItem, emptyBasket, removeLine, setQuantity, sums, ticketOf } from "./basket.js";
import { catalogueOf } from "./goods.js";
import { fen, shown, text } from "./money.js";
import * as offline from "./offline.js";
import { openPanel, startPanels } from "./panels.js";
import { watch } from "./scanner.js";
import { Away, Refused, get, post } from "./server.js";
import * as store from "./store.js";

const setup = JSON.parse(document.getElementById("setup").textContent);
const urls = setup.urls;
const byId = (id) => document.getElementById(id);
const make = (tag, attributes = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), attributes);
  node.append(...children.filter((one) => one !== null && one !== undefined));
  return node;
};

export const state = {
  setup, basket: emptyBasket(), fills: [], away: false, goods: catalogueOf([]), swipe: setup.swipe, badges: {}, busy: false,
};
let tag = null;
let typed = "";

// ---------------------------------------------------------------- words to the cashier
export function toast(level, words) {
  document.dispatchEvent(new CustomEvent("toast", { detail: { level, text: words } }));
}

export function refuse(words) {
  const box = byId("refusal");
  box.textContent = words || "";
  box.hidden = !words;
  if (words) box.focus();
}

export function troubled(error) {
  if (error instanceof Refused) refuse(error.message);
  else if (error instanceof Away) { setAway(true); refuse("网络不通，这一步没有送到。"); } else { refuse("页面出错，请刷新；单上的内容会留着。"); throw error; }
}

function setAway(away) {
  if (state.away !== away && !away) sendWaiting();
  state.away = away;
  showFreshness();
}

async function showFreshness() {
  const count = window.indexedDB ? await offline.waiting() : 0;
  const mark = byId("freshness");
  mark.className = `state state-${state.away ? "bad" : count ? "wait" : "good"}`;
  mark.textContent = state.away ? `断网 · 待补传 ${count}` : count ? `在线 · 待补传 ${count}` : "在线";
  document.body.classList.toggle("till-away", state.away);
}

// ---------------------------------------------------------------- the pulse
async function pulse() {
  try {
    const answer = await get(`${urls.till_pulse}?swipe=${state.swipe}`, tag);
    if (answer.status === 200) {
      tag = answer.headers.get("ETag");
      const said = await answer.json();
      // What was sold while the server was away is not to be paid again before it has arrived.
      const sold = await offline.fillsSold();
      state.fills = said.fills.filter((fill) => !sold.has(fill.id));
      state.badges = said.badges;
      showFills();
      fromTheWall();
      showFuelling(said.fuelling);
      showBadges();
      for (const scan of said.scans) { state.swipe = Math.max(state.swipe, scan.id); tag = null; scanned(scan); }
      store.keep("fills", state.fills).catch(() => {});
      holdIfAlone();
    } else if (answer.status === 409 || answer.status === 403) {
      line("收银班已结束或登录已过期。单上的内容会留着，请重新开班或登录。");
    }
    if (answer.status < 400) setAway(false);
  } catch (error) {
    if (!(error instanceof Away)) { if (error.name !== "TypeError") throw error; }
    setAway(true);
  }
}

function line(words) {
  const box = byId("notice-line");
  box.textContent = words;
  box.hidden = !words;
}

// Alone at the station, a till leases all that waits, so that it can go on when the network goes.
let held = "";
async function holdIfAlone() {
  const free = state.fills.filter((fill) => !fill.mine && !fill.held).map((fill) => fill.id);
  const others = state.fills.filter((fill) => fill.mine && !onTicket(fill.id)).map((fill) => fill.id);
  try {
    if (state.badges.tills === 1 && free.length && held !== String(free)) {
      held = String(free);
      await post(urls.lease, { fills: free });
    } else if (state.badges.tills > 1 && others.length) {
      await post(urls.put_back, { fills: others });
    }
  } catch { /* the next pulse tries again */ }
}

setInterval(() => {
  const mine = state.fills.filter((fill) => fill.mine).map((fill) => fill.id);
  if (mine.length && !state.away) post(urls.lease, { fills: mine }).catch(() => {});
}, 180000);

const onTicket = (id) => state.basket.lines.some((one) => one.fill === id);

function waitedFor(fill) {
  const minutes = Math.max(0, Math.floor((Date.now() - new Date(fill.ended)) / 60000));
  if (minutes < 1) return "刚刚";
  if (minutes < 60) return `等 ${minutes} 分`;
  return minutes < 2880 ? `等 ${Math.floor(minutes / 60)} 小时` : `等 ${Math.floor(minutes / 1440)} 天`;
}

// 收款 on a tile of the wall opens the till with ?nozzle=: its oldest fill goes on the ticket, once.
let wanted = Number(new URLSearchParams(location.search).get("nozzle"));
function fromTheWall() {
  if (!wanted) return;
  const fill = state.fills.find((one) => one.nozzle === wanted && !one.held && !onTicket(one.id));
  wanted = 0;
  history.replaceState(null, "", location.pathname);
  if (fill) takeFill(fill);
}

function showFills() {
  const focused = document.activeElement?.dataset?.fill;
  byId("fills-count").textContent = state.fills.length;
  byId("fills-none").hidden = state.fills.length > 0;
  byId("fills").replaceChildren(...state.fills.map((fill) => {
    const button = make("button", { type: "button", className: `fill tile-${fill.held ? "locked" : "due"}` },
      make("span", { className: "fill-nozzle" }, `${fill.nozzle} 号枪`),
      make("span", { className: `fill-grade grade-${gradeKey(fill.grade)}` }, fill.grade),
      make("span", { className: "fill-amount" }, shown(fen(fill.amount))),
      make("span", { className: "fill-litres" }, `${Number(fill.litres).toFixed(2)} L`),
      make("span", { className: "fill-wait" }, fill.held ? `${fill.held} 号台锁定` : onTicket(fill.id) ? "已上单" : `${fill.late ? "上班 " : ""}${waitedFor(fill)}`));
    button.dataset.fill = fill.id;
    button.setAttribute("aria-pressed", String(onTicket(fill.id)));
    button.addEventListener("click", () => takeFill(fill));
    const more = make("button", { type: "button", className: "fill-more btn", textContent: "⋯" });
    more.setAttribute("aria-label", `${fill.nozzle} 号枪 ${fill.amount} 元：检定、自用、跑单`);
    more.addEventListener("click", () => openPanel("fill", fill));
    return make("li", {}, button, more);
  }));
  if (focused) byId("fills").querySelector(`[data-fill="${focused}"]`)?.focus();
}

const gradeKey = (code) => (/^(92|95|98|0)#/.exec(code) || [null, "other"])[1];

const WORDS = { CALLING: "提枪", AUTHORISED: "已授权", FUELLING: "加油中" };
function showFuelling(rows) {
  byId("fuelling").textContent = rows.map(([nozzle, what]) => `${nozzle} 号枪${WORDS[what]}`).join("　");
}

function showBadges() {
  const counts = { parked: state.badges.parked, prepays: (state.badges.prepays || 0) + (state.badges.refunds || 0), discrepancies: state.badges.discrepancies };
  document.querySelectorAll("[data-badge]").forEach((mark) => {
    const count = counts[mark.dataset.badge] || 0;
    mark.textContent = count;
    mark.hidden = !count;
  });
}

// ---------------------------------------------------------------- the basket
export async function takeFill(fill) {
  refuse("");
  if (onTicket(fill.id)) return dropLine(state.basket.lines.findIndex((one) => one.fill === fill.id));
  if (state.away) {
    if (!fill.mine) return refuse("断网时只能收本台已锁定的加油。这一笔等网络恢复再收。");
  } else if (!fill.mine) {
    try { await post(urls.lease, { fills: [fill.id] }); fill.mine = true; } catch (error) { return troubled(error); }
  }
  addFill(state.basket, fill);
  return changed();
}

export function takeItem(item, count = 1) {
  refuse("");
  addItem(state.basket, item, count);
  changed();
}

export function changed() {
  byId("done").hidden = true;
  store.keep("basket", state.basket).catch(() => {});
  showTicket();
  showFills();
}

async function dropLine(index) {
  const gone = removeLine(state.basket, index);
  changed();
  if (gone.fill && !state.away) post(urls.put_back, { fills: [gone.fill] }).catch(() => {});
  if (!gone.fill && !state.away) post(urls.void_line, { lines: 1, total: text(gone.amount), reason: `删行 ${gone.name} × ${gone.quantity}` }).catch(() => {});
}

function showTicket() {
  const { basket } = state;
  const sum = sums(basket, setup);
  byId("lines-none").hidden = basket.lines.length > 0;
  byId("lines").replaceChildren(...basket.lines.map(lineRow));
  const rows = byId("sums");
  rows.hidden = !basket.lines.length;
  const parts = [["合计", shown(sum.list)]];
  if (sum.discount) parts.push(["优惠", `-${shown(sum.discount)}`]);
  if (sum.rounding) parts.push(["抹零", shown(sum.rounding)]);
  rows.replaceChildren(...parts.flatMap(([name, value]) => [make("dt", { textContent: name }), make("dd", { textContent: value })]));
  const left = sum.missing;
  byId("due-label").textContent = basket.tenders.length && left > 0 ? "还差" : "应收";
  byId("due").textContent = shown(basket.tenders.length && left > 0 ? left : sum.due);
  byId("tenders").replaceChildren(...basket.tenders.map((one, index) => {
    const remove = make("button", { type: "button", className: "btn line-remove", textContent: "×" });
    remove.setAttribute("aria-label", `删去 ${one.name} ${text(one.amount)} 元`);
    remove.addEventListener("click", () => { basket.tenders.splice(index, 1); changed(); });
    return make("li", {}, make("span", { textContent: one.name }), make("span", { className: "number", textContent: shown(one.amount) }), remove);
  }));
  showQuick(basket, sum);
  byId("settle").disabled = state.busy || !basket.lines.length;
}

function lineRow(one, index) {
  const { basket } = state;
  const remove = make("button", { type: "button", className: "btn line-remove", textContent: "×" });
  remove.setAttribute("aria-label", `删去 ${one.name}`);
  remove.addEventListener("click", () => dropLine(index));
  let amount;
  if (one.kind === "FUEL") {
    amount = make("span", { className: "line-quantity" }, `${Number(one.quantity).toFixed(2)} L × ${text(one.price)}`, attendantOf(one));
  } else {
    const field = make("input", { className: "form-control quantity", value: one.quantity, inputMode: "decimal" });
    field.setAttribute("aria-label", `${one.name} 数量`);
    field.addEventListener("change", () => { if (!setQuantity(basket, one, field.value)) field.value = one.quantity; changed(); });
    const step = (by) => {
      const button = make("button", { type: "button", className: "btn step", textContent: by > 0 ? "+" : "−" });
      button.setAttribute("aria-label", `${one.name} ${by > 0 ? "加一" : "减一"}`);
      button.addEventListener("click", () => { if (Number(one.quantity) + by > 0) setQuantity(basket, one, String(Number(one.quantity) + by)); changed(); });
      return button;
    };
    amount = make("span", { className: "line-quantity" }, step(-1), field, step(1), ` × ${text(one.price)}`);
  }
  const words = make("span", { className: "line-name" }, one.name);
  if (one.discount) words.append(make("small", { textContent: `优惠 ${text(one.discount)} ${one.reason}` }));
  return make("li", { className: "ticket-line" }, words, make("span", { className: "number line-amount", textContent: shown(one.amount - one.discount) }), amount, remove);
}

function attendantOf(one) {
  if (!setup.crew.length) return null;
  const choose = make("select", { className: "form-select attendant" });
  choose.setAttribute("aria-label", "加油员");
  choose.append(make("option", { value: "", textContent: "加油员" }), ...setup.crew.map((person) => make("option", { value: person.id, textContent: person.name, selected: person.id === one.attendant })));
  choose.addEventListener("change", () => { one.attendant = choose.value ? Number(choose.value) : null; store.keep("basket", state.basket); });
  return choose;
}

// ---------------------------------------------------------------- paying
const cashTender = () => setup.tenders.find((one) => one.cash);

function showQuick(basket, sum) {
  const box = byId("quick");
  if (!basket.lines.length) { box.replaceChildren(); return; }
  const owed = Math.max(0, sums(basket, setup, true).missing);
  const notes = [...new Set([owed, ...[500, 1000, 2000, 5000, 10000].map((note) => Math.ceil(owed / note) * note)])].filter((one) => one > 0).sort((one, two) => one - two).slice(0, 5);
  box.replaceChildren(...notes.map((note, index) => {
    const button = make("button", { type: "button", className: `btn ${index ? "" : "btn-exact"}` }, index ? shown(note) : `现金正好 ${shown(note)}`);
    if (!index) button.append(" ", make("kbd", { textContent: "F9" }));
    button.dataset.quick = index ? "note" : "exact";
    button.addEventListener("click", () => payCash(note));
    return button;
  }));
}

function payCash(amount) {
  const cash = cashTender();
  state.basket.tenders.push({ tender: cash.code, name: cash.name, amount, reference: "" });
  changed();
  if (sums(state.basket, setup).missing <= 0) settle();
}

function payBy(tender) {
  refuse("");
  const sum = sums(state.basket, setup, tender.cash);
  const amount = typed ? fen(typed) : Math.max(0, sum.missing);
  if (!amount) return refuse("金额是空的。请先把加油或商品加到单上。");
  if (!tender.cash && amount > sum.net - sum.other) return refuse(`${tender.name} 不能多收，最多 ${text(sum.net - sum.other)} 元。`);
  const reference = byId("reference");
  if (tender.reference && !reference.value.trim()) {
    reference.hidden = byId("reference-label").hidden = false;
    byId("reference-label").textContent = `${tender.name} 凭证号`;
    reference.dataset.tender = tender.code;
    reference.focus();
    return undefined;
  }
  state.basket.tenders.push({ tender: tender.code, name: tender.name, amount, reference: tender.reference ? reference.value.trim() : "" });
  reference.value = "";
  reference.hidden = byId("reference-label").hidden = true;
  setTyped("");
  changed();
  if (sums(state.basket, setup).missing <= 0) settle();
  return undefined;
}

function setTyped(value) {
  typed = value;
  byId("amount").value = value;
}

export async function settle() {
  const { basket } = state;
  if (state.busy || !basket.lines.length) return;
  refuse("");
  if (sums(basket, setup).missing > 0) { refuse(`还差 ${text(sums(basket, setup).missing)} 元。请点付款方式。`); return; }
  state.busy = true;
  byId("settle").disabled = true;
  const ticket = ticketOf(basket, setup);
  try {
    finish(await sendTicket(ticket, basket), basket);
  } catch (error) {
    if (error instanceof Away) await settleAlone(ticket, basket);
    else if (error instanceof Refused && /权限/.test(error.message) && sums(basket, setup).discount) openPanel("approve", error.message);
    else troubled(error);
  } finally {
    state.busy = false;
    showTicket();
  }
}

// A lost answer is asked for once more with the same key: the server sells it once.
async function sendTicket(ticket, basket) {
  const body = { ...ticket, ...(basket.approver || {}) };
  try {
    return await post(urls.settle, body);
  } catch (error) {
    if (!(error instanceof Away)) throw error;
    return post(urls.settle, body, 4);
  }
}

async function settleAlone(ticket, basket) {
  setAway(true);
  if (!offline.secure()) { refuse("网络不通，而且本页不是安全连接，不能断网收款。请等网络恢复，单上的内容会留着。"); return; }
  const strange = basket.lines.find((one) => one.fill && !state.fills.find((fill) => fill.id === one.fill)?.mine);
  if (strange) { refuse(`断网时不能收 ${strange.name}：没有锁定在本台。请等网络恢复。`); return; }
  if (sums(basket, setup).discount) { refuse("断网时不能手工优惠。请去掉优惠再收，或等网络恢复。"); return; }
  const sale = await offline.record(setup, ticket);
  const sold = new Set(basket.lines.map((one) => one.fill));
  state.fills = state.fills.filter((fill) => !sold.has(fill.id));
  await store.keep("fills", state.fills);
  finish({ number: sale.number, due: ticket.due, change: text(sums(basket, setup).change) }, basket);
  showFreshness();
}

function finish(sold, basket) {
  const box = byId("done");
  const change = fen(sold.change);
  box.replaceChildren(make("strong", { textContent: change > 0 ? `找零 ${shown(change)}` : `已收 ${shown(fen(sold.due))}` }), make("span", { textContent: ` ${sold.number}` }));
  box.hidden = false;
  const fills = new Set(basket.lines.map((one) => one.fill));
  state.fills = state.fills.filter((fill) => !fills.has(fill.id));
  state.basket = emptyBasket();
  setTyped("");
  tag = null;
  store.keep("basket", state.basket).catch(() => {});
  showTicket();
  showFills();
  showMember();
  document.dispatchEvent(new CustomEvent("announce", { detail: { text: box.textContent } }));
  byId("command").focus({ preventScroll: true });
}

export async function sendWaiting() {
  if (!window.indexedDB || !(await offline.waiting())) return 0;
  try {
    const done = await offline.upload(urls.upload, setup.till.id);
    if (done) toast("success", `断网期间的 ${done} 笔已补传。`);
    return done;
  } catch (error) {
    if (!(error instanceof Away)) line(error.message);
    return 0;
  } finally {
    showFreshness();
  }
}

// ---------------------------------------------------------------- command box and scanner
function scanned(scan) {
  if (scan.meaning === "GOODS") byCode(scan.text);
  else if (scan.meaning === "MEMBER_CARD") openPanel("member", scan.text);
  else if (scan.outcome !== "KNOWN") refuse(`读到 ${scan.text}：未登记或已挂失。`);
}

function byCode(code) {
  const found = state.goods.byCode(code);
  if (found) { takeItem(found.item, found.count); return true; }
  refuse(`没有条码 ${code} 的商品。请按名称查找，或请站长建商品。`);
  return false;
}

function command(value) {
  const words = value.trim();
  if (!words) { settle(); return; }
  if (/^\d{1,2}$/.test(words)) {
    const fill = state.fills.find((one) => one.nozzle === Number(words) && !one.held && !onTicket(one.id));
    if (fill) takeFill(fill); else refuse(`${words} 号枪没有可收的加油。`);
  } else if (state.goods.byCode(words)) byCode(words);
  else if (/^1\d{10}$/.test(words)) openPanel("member", words);
  else {
    const first = state.goods.find(words)[0];
    if (first) takeItem(first); else { refuse(`没有查到“${words}”。`); return; }
  }
  byId("command").value = "";
  showHits("");
}

function showHits(words) {
  const hits = words.trim().length && !/^\d{1,2}$/.test(words.trim()) ? state.goods.find(words.trim()).slice(0, 8) : [];
  const list = byId("hits");
  list.hidden = !hits.length;
  byId("command").setAttribute("aria-expanded", String(Boolean(hits.length)));
  list.replaceChildren(...hits.map((item) => {
    const button = make("button", { type: "button", className: "hit" }, make("span", { textContent: item.name }), make("span", { className: "number", textContent: shown(fen(item.price)) }));
    button.addEventListener("click", () => { takeItem(item); byId("command").value = ""; showHits(""); });
    const row = make("li", {}, button);
    row.setAttribute("role", "option");
    return row;
  }));
}

export function showMember() {
  const box = byId("member");
  const { member } = state.basket;
  const button = make("button", { type: "button", className: "btn" }, member ? "换会员 " : "会员 ", make("kbd", { textContent: "F7" }));
  button.addEventListener("click", () => openPanel("member"));
  box.replaceChildren(...(member ? [make("p", { className: "member-facts" }, make("b", { textContent: member.name }), ` ${member.phone}　${member.plates}`, make("br"), `${member.number}　${member.status}`)] : []), button);
}

function showGoods() {
  byId("favourites").replaceChildren(...state.goods.favourites.slice(0, 12).map((item) => {
    const button = make("button", { type: "button", className: "btn favourite" }, make("span", { textContent: item.name }), make("small", { textContent: shown(fen(item.price)) }));
    button.addEventListener("click", () => takeItem(item));
    return button;
  }));
}

async function loadGoods() {
  try {
    const answer = await get(urls.till_catalogue);
    if (answer.status === 200) await store.keep("goods", (await answer.json()).items);
  } catch { setAway(true); }
  state.goods = catalogueOf((await store.kept("goods").catch(() => [])) || []);
  showGoods();
}

// ---------------------------------------------------------------- keys
const KEYS = {
  F2: () => byId("command").focus(), F3: () => byId("park").click(), F4: () => openPanel("parked"), F6: () => openPanel("discount"),
  F7: () => openPanel("member"), F8: () => byId("clear").click(), F9: () => document.querySelector("[data-quick=exact]")?.click(),
  F10: () => openPanel("recent"), F12: () => settle(),
};

function startKeys() {
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]") || event.ctrlKey || event.altKey || event.metaKey) return;
    if (KEYS[event.key]) { event.preventDefault(); KEYS[event.key](); }
  });
  byId("command").addEventListener("keydown", (event) => {
    if (event.key === "Enter") { event.preventDefault(); command(event.target.value); }
    if (event.key === "Escape") { event.target.value = ""; showHits(""); refuse(""); }
  });
  byId("command").addEventListener("input", (event) => showHits(event.target.value));
  document.querySelectorAll("[data-digit]").forEach((button) => button.addEventListener("click", () => {
    const digit = button.dataset.digit;
    const next = digit === "back" ? typed.slice(0, -1) : typed + digit;
    if (/^\d*(\.\d{0,2})?$/.test(next)) setTyped(next);
  }));
  byId("amount").addEventListener("input", (event) => { typed = event.target.value.trim(); });
  byId("amount-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const waiting = byId("reference").dataset.tender;
    const tender = setup.tenders.find((one) => one.code === waiting && !byId("reference").hidden) || cashTender();
    payBy(tender);
  });
  byId("settle").addEventListener("click", settle);
  byId("tender-buttons").replaceChildren(...setup.tenders.map((tender) => {
    const button = make("button", { type: "button", className: "btn tender", textContent: tender.name });
    button.addEventListener("click", () => payBy(tender));
    return button;
  }));
}

async function start() {
  startKeys();
  startPanels(state, urls);
  watch((code) => document.querySelector("dialog[open]") !== null || byCode(code));
  showTicket();
  await loadGoods();
  const kept = await store.kept("basket").catch(() => null);
  if (kept?.lines?.length) state.basket = kept;
  state.fills = (await store.kept("fills").catch(() => [])) || [];
  changed();
  showMember();
  showFills();
  byId("freshness").addEventListener("click", () => openPanel("offline"));
  if (offline.secure() && navigator.serviceWorker) navigator.serviceWorker.register(urls.till_worker).catch(() => {});
  else line("本页不是安全连接：断网时不能继续收款。请用站里的 https 地址打开。");
  for (;;) {
    await pulse();
    await new Promise((go) => setTimeout(go, document.hidden ? 5000 : 1000));
    if (!state.away && Math.random() < 0.1) sendWaiting();
  }
}

start();
