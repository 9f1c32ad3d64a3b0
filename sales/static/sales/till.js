// The till: three columns over one basket. What the server says comes with the pulse each second;
// what the cashier does is kept in the browser until it is settled or put aside.

import { emptyBasket, newKey } from "./basket.js";
import { startDrawer } from "./display.js";
import { dropLost, fromTheWall, holdIfAlone, showFills, takeFill } from "./fills.js";
import { catalogueOf } from "./goods.js";
import { fen, shown } from "./money.js";
import * as offline from "./offline.js";
import { isMemberCode, memberPresent } from "./members.js";
import { addCode, offersFor } from "./offers.js";
import { openPanel, startPanels } from "./panels.js";
import { settle, startPaying } from "./paying.js";
import { isPaymentCode, watch } from "../devices/wedge.js";
import { again } from "./rewards.js";
import { byId, calm, line, make, onTicket, refuse, state, toast, urls } from "./screen.js";
import { Away, get, post } from "./server.js";
import * as store from "./store.js";
import { onlyHere } from "./tab.js";
import { changed, reckoned, reprice, showMember, showTicket, takeItem } from "./ticket.js";
import { isKioskOrder, isPayCode, payByCode, startValue } from "./value.js";

const GOODS_AGAIN = 300000; // ms; unchanged goods cost a 304
let tag = null;
let goodsTag = null;
let standing = ""; // what is to be read all the time: the page is not secure
let notUploaded = ""; // why sales of the time without network were not taken
let ready; // what is scanned while the page opens waits for its goods and its kept ticket
const opened = new Promise((go) => { ready = go; });

// ---------------------------------------------------------------- the network, there or away
export function setAway(away) {
  if (state.away !== away && !away) sendWaiting();
  state.away = away;
  showFreshness();
}

export async function showFreshness() {
  const count = window.indexedDB ? await offline.waiting() : 0;
  const mark = byId("freshness");
  mark.className = `state state-${state.away ? "bad" : count ? "wait" : "good"}`;
  mark.textContent = state.away ? `断网 · 待补传 ${count}` : count ? `在线 · 待补传 ${count}` : "在线";
  document.body.classList.toggle("till-away", state.away);
}

export async function sendWaiting() {
  if (!window.indexedDB || !(await offline.waiting())) return 0;
  try {
    const done = await offline.upload(urls.upload, state.setup.till.id);
    notUploaded = "";
    if (done) toast("success", `断网期间的 ${done} 笔已补传。`);
    return done;
  } catch (error) {
    notUploaded = error instanceof Away ? "" : error.message;
    return 0;
  } finally {
    showFreshness();
  }
}

// ---------------------------------------------------------------- the pulse
const CLOSED = {
  401: "登录已过期。请刷新页面重新登录，单上的内容会留着。",
  403: "登录已过期或没有权限。请刷新页面重新登录，单上的内容会留着。",
  409: "收银班已结束。单上的内容会留着，请到“收银班”重新开班。",
  423: "屏幕已锁定。输口令解锁后接着收，单上的内容会留着。",
};

async function pulse() {
  const { turn } = state;
  try {
    const answer = await get(`${urls.till_pulse}?swipe=${state.swipe}`, tag);
    if (answer.status === 200) await heard(await answer.json(), answer.headers.get("ETag"), turn);
    if (answer.status < 500) setAway(false);
    line(CLOSED[answer.status] || notUploaded || paperless() || standing);
  } catch (error) {
    if (!(error instanceof Away)) { if (error.name !== "TypeError") throw error; }
    setAway(true);
  }
}

const paperless = () => (state.badges.printer ? `小票机${state.badges.printer}：可以照常收款，小票留着，好了会自动补出来。` : "");

async function heard(said, newTag, turn) {
  tag = newTag;
  // What was sold while the server was away is not to be paid again before it has arrived.
  const sold = await offline.fillsSold();
  if (state.busy || turn !== state.turn) { tag = null; return; } // older than what was done since
  state.fills = said.fills.filter((fill) => !sold.has(fill.id));
  const { offers } = state.badges;
  state.badges = said.badges;
  if (offers !== said.badges.offers && state.basket.lines.length) offersFor(reckoned);
  showFills();
  dropLost();
  fromTheWall();
  showFuelling(said.fuelling);
  showBadges();
  for (const scan of said.scans) { state.swipe = Math.max(state.swipe, scan.id); tag = null; scanned(scan); }
  store.keep("fills", state.fills).catch(() => {});
  holdIfAlone();
}

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

// ---------------------------------------------------------------- command box and scanner
const NO_CHANNEL = "读到付款码，但本站没有接通扫码收款，这一笔没有收。请让顾客扫台卡付款，或换一种方式。";

function scanned(scan) {
  if (scan.meaning === "GOODS") byCode(scan.text);
  else if (scan.meaning === "PAYMENT_CODE" && !isPayCode(scan.text)) refuse(NO_CHANNEL);
  else if (isPayCode(scan.text)) payByCode(scan.text);
  else if (isKioskOrder(scan.text)) openPanel("topup", scan.text);
  else if (isMemberCode(scan.text)) memberPresent(scan.text).then(again);
  else if (scan.outcome !== "KNOWN" && state.goods.byCode(scan.text)) byCode(scan.text);
  else if (scan.meaning === "MEMBER_CARD" && again()) return;
  else if (scan.meaning === "MEMBER_CARD") openPanel("member", { scan: scan.text });
  else if (scan.medium === "CODE" && scan.outcome !== "KNOWN") byCode(scan.text); // a coupon has no rule
  else if (scan.outcome !== "KNOWN") refuse(`读到 ${scan.text}：未登记或已挂失。`);
  else if (scan.words) toast("info", scan.words);
}

// A scanner or reader that types: the station's rules decide as for one on a line; without the network
// the till decides what it knows itself. The text of a payment code is never shown.
async function typed(code) {
  await opened;
  if (state.away) { readAlone(code); return; }
  const body = new FormData();
  for (const [name, value] of Object.entries({ text: code, key: newKey(), till: state.setup.till.id })) body.append(name, value);
  try {
    const said = await post(urls.reads, body);
    if (!said.again) scanned({ ...said, text: code });
  } catch (error) {
    if (error instanceof Away) { setAway(true); readAlone(code); } else refuse(error.message);
  }
}

const readAlone = (code) => (isPaymentCode(code) && !isPayCode(code) ? refuse(NO_CHANNEL) : byCode(code));

function keyboard(code, whole) {
  if (document.querySelector("dialog[open]")) return true; // its Enter presses no button
  const torn = whole !== code && !state.goods.byCode(code) && state.goods.byCode(whole);
  typed(torn ? whole : code);
  return torn ? "whole" : true;
}

const COUPON = /^[2-9A-HJ-NP-X]{14}$/; // what a coupon's code and QR look like
function byCode(code) {
  if (isPayCode(code)) { payByCode(code); return true; }
  if (isKioskOrder(code)) { openPanel("topup", code); return true; }
  if (isMemberCode(code)) { memberPresent(code).then(again); return true; }
  const found = state.goods.byCode(code);
  if (found) { takeItem(found.item, found.count); return true; }
  if (COUPON.test(code)) { refuse(""); addCode(code, reckoned); return true; }
  refuse(`没有条码 ${code} 的商品。请按名称查找，或请站长建商品。`);
  return false;
}

async function command(value) {
  await opened;
  const words = value.normalize("NFKC").trim();
  if (!words) { settle(); return; }
  if (/^\d{1,2}$/.test(words)) {
    const fill = state.fills.find((one) => one.nozzle === Number(words) && !one.held && !onTicket(one.id));
    if (fill) takeFill(fill); else refuse(`${words} 号枪没有可收的加油。`);
  } else if (isPayCode(words) || isKioskOrder(words) || isMemberCode(words) || state.goods.byCode(words) || COUPON.test(words)) byCode(words);
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

// ---------------------------------------------------------------- goods
function showGoods() {
  byId("favourites").replaceChildren(...state.goods.favourites.slice(0, 12).map((item) => {
    const button = make("button", { type: "button", className: "btn favourite" }, make("span", { textContent: item.name }), make("small", { textContent: shown(fen(item.price)) }));
    button.addEventListener("click", () => takeItem(item));
    return button;
  }));
}

export async function loadGoods() {
  try {
    const answer = await get(urls.till_catalogue, goodsTag);
    if (answer.status === 304) return;
    if (answer.status === 200) {
      goodsTag = answer.headers.get("ETag");
      await store.keep("goods", (await answer.json()).items);
    }
  } catch { setAway(true); }
  state.goods = catalogueOf((await store.kept("goods").catch(() => [])) || []);
  showGoods();
}

async function goodsAgain() {
  if (state.away || state.stopped || state.busy) return;
  await loadGoods();
  const words = reprice();
  if (words) toast("warning", words);
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
    if (KEYS[event.key]) { event.preventDefault(); if (!event.repeat) KEYS[event.key](); }
  });
  byId("command").addEventListener("keydown", (event) => {
    if (event.isComposing) return; // Enter that ends an input method's word
    if (event.key === "Enter") { event.preventDefault(); if (!event.repeat) command(event.target.value); }
    if (event.key === "Escape") { event.target.value = ""; showHits(""); refuse(""); }
  });
  byId("command").addEventListener("input", (event) => showHits(event.target.value));
}

function standDown() {
  state.stopped = true;
  document.querySelectorAll("dialog[open]").forEach((one) => one.close());
  byId("panel-elsewhere").showModal();
}

function soldElsewhere(key) {
  if (state.busy || state.basket.key !== key) return;
  state.basket = emptyBasket();
  changed();
  showMember();
  toast("info", "这一单已在另一个窗口收过。");
}

async function start() {
  startKeys();
  startPanels();
  startPaying();
  startValue();
  startDrawer();
  for (const column of document.querySelectorAll(".till > section")) calm(column, ".keypad, .favourite, .step, .hit");
  byId("panel-elsewhere").addEventListener("cancel", (event) => event.preventDefault());
  byId("go-on-here").addEventListener("click", () => location.reload());
  onlyHere({ standDown, soldElsewhere });
  document.addEventListener("away", () => setAway(true));
  watch(keyboard);
  showTicket();
  const kept = await store.kept("basket").catch(() => null);
  if (kept?.lines?.length) state.basket = kept;
  await loadGoods();
  ready();
  state.fills = (await store.kept("fills").catch(() => [])) || [];
  changed();
  showMember();
  showFills();
  byId("freshness").addEventListener("click", () => openPanel("offline"));
  if (offline.secure() && navigator.serviceWorker) navigator.serviceWorker.register(urls.till_worker).catch(() => {});
  else standing = "本页不是安全连接：断网时不能继续收款。请用站里的 https 地址打开。";
  line(standing);
  setInterval(goodsAgain, GOODS_AGAIN);
  while (!state.stopped) {
    await pulse();
    await new Promise((go) => setTimeout(go, document.hidden ? 5000 : 1000));
    if (!state.away && Math.random() < 0.1) sendWaiting();
  }
}

start();
