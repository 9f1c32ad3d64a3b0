// 待付款: the fills that wait, kept in step with the server, and what of them is on the ticket.

import { addFill, removeLine } from "./basket.js";
import { fen, shown, text } from "./money.js";
import { openPanel } from "./panels.js";
import { arrange, atWork, byId, make, onTicket, refuse, setup, state, troubled, urls } from "./screen.js";
import { post } from "./server.js";
import { changed } from "./ticket.js";

const rows = new Map(); // by the fill's id
const gradeKey = (code) => (/^(92|95|98|0)#/.exec(code) || [null, "other"])[1];

function waitedFor(fill) {
  const minutes = Math.max(0, Math.floor((Date.now() - new Date(fill.ended)) / 60000));
  if (minutes < 1) return "刚刚";
  if (minutes < 60) return `等 ${minutes} 分`;
  return minutes < 2880 ? `等 ${Math.floor(minutes / 60)} 小时` : `等 ${Math.floor(minutes / 1440)} 天`;
}

const known = (id) => state.fills.find((one) => one.id === id);

function newRow(fill) {
  const wait = make("span", { className: "fill-wait" });
  const button = make("button", { type: "button" },
    make("span", { className: "fill-nozzle" }, `${fill.nozzle} 号枪`),
    make("span", { className: `fill-grade grade-${gradeKey(fill.grade)}` }, fill.grade),
    make("span", { className: "fill-amount" }, shown(fen(fill.amount))),
    make("span", { className: "fill-litres" }, `${Number(fill.litres).toFixed(2)} L`),
    ...(fill.company ? [make("span", { className: "fill-company" }, fill.company)] : []), wait);
  button.dataset.fill = fill.id;
  button.addEventListener("click", () => { if (known(fill.id)) takeFill(known(fill.id)); });
  const more = make("button", { type: "button", className: "fill-more btn", textContent: "⋯" });
  more.setAttribute("aria-label", `${fill.nozzle} 号枪 ${fill.amount} 元：检定、自用、跑单`);
  more.addEventListener("click", () => { if (known(fill.id)) openPanel("fill", known(fill.id)); });
  return { node: make("li", {}, button, more), button, wait };
}

export function showFills() {
  byId("fills-count").textContent = state.fills.length;
  byId("fills-none").hidden = state.fills.length > 0;
  const nodes = state.fills.map((fill) => {
    if (!rows.has(fill.id)) rows.set(fill.id, newRow(fill));
    const { node, button, wait } = rows.get(fill.id);
    button.className = `fill tile-${fill.held ? "locked" : "due"}`;
    button.setAttribute("aria-pressed", String(onTicket(fill.id)));
    const words = fill.held ? `${fill.held} 号台锁定` : onTicket(fill.id) ? "已上单" : `${fill.late ? "上班 " : ""}${waitedFor(fill)}`;
    if (wait.textContent !== words) wait.textContent = words;
    return node;
  });
  const ids = new Set(state.fills.map((fill) => fill.id));
  for (const id of [...rows.keys()]) if (!ids.has(id)) rows.delete(id);
  arrange(byId("fills"), nodes);
}

setInterval(showFills, 20000); // the minutes go on while nothing else changes

// The leases that are on their way, by the fill's id. A fill is on the ticket at once, so that the
// next tap finds it there; money waits until the server has said of each whether it is ours.
const asking = new Map();
export const leased = async () => (await Promise.all(asking.values())).every(Boolean);

export function takeFill(fill) {
  if (atWork()) return undefined;
  refuse("");
  state.turn += 1;
  if (onTicket(fill.id)) return dropLine(state.basket.lines.find((one) => one.fill === fill.id));
  if (state.away && !fill.mine) return refuse("断网时只能收本台已锁定的加油。这一笔等网络恢复再收。");
  addFill(state.basket, fill);
  changed();
  if (!fill.mine && !asking.has(fill.id)) asking.set(fill.id, hold(fill.id));
  return undefined;
}

async function hold(id) {
  try {
    await post(urls.lease, { fills: [id] });
    if (known(id)) known(id).mine = true;
    return true;
  } catch (error) {
    const owed = takeOff(state.basket.lines.filter((one) => one.fill === id));
    troubled(error, owed);
    return false;
  } finally {
    state.turn += 1;
    asking.delete(id);
    showFills();
  }
}

const named = (rows) => rows.map((one) => `${one.name} ${text(one.amount)} 元`).join("、");

// Off the ticket without having been asked for: a slip that was taken is not forgotten. Returns in
// words what was taken from the customer for a ticket that is empty now.
function takeOff(lines) {
  if (!lines.length) return "";
  const cards = state.basket.tenders.filter((one) => !setup.tenders.find((tender) => tender.code === one.tender)?.cash);
  lines.forEach((one) => removeLine(state.basket, state.basket.lines.indexOf(one)));
  if (state.basket.lines.length) state.basket.tenders = cards;
  changed();
  if (state.basket.lines.length || !cards.length) return "";
  return `${named(cards)}没有入账，客人付过的请退还。`;
}

export async function dropLine(one) {
  const index = state.basket.lines.indexOf(one);
  if (index < 0 || atWork()) return;
  state.turn += 1;
  const gone = removeLine(state.basket, index);
  changed();
  if (gone.fill && !state.away) putBack(gone.fill);
  if (!gone.fill && !state.away) post(urls.void_line, { lines: 1, total: text(gone.amount), reason: `删行 ${gone.name} × ${gone.quantity}` }).catch(() => {});
}

async function putBack(id) {
  await asking.get(id); // given back before it is given would be held for nothing
  if (!onTicket(id)) post(urls.put_back, { fills: [id] }).catch(() => {});
}

// A fill of the ticket that somebody else has taken, freed or settled is off it before it is paid for.
export function dropLost() {
  if (state.busy) return;
  const lines = state.basket.lines.filter((one) => one.fill && !asking.has(one.fill));
  const lost = lines.filter((one) => !known(one.fill) || known(one.fill).held);
  const loose = lines.filter((one) => !lost.includes(one) && !known(one.fill).mine).map((one) => one.fill);
  if (loose.length) post(urls.lease, { fills: loose }).catch(() => {});
  if (!lost.length) return;
  const owed = takeOff(lost);
  refuse(`${named(lost)} 已在别处收款、登记或被别的收银台拿去，已从单上拿掉。${owed}`);
}

// 收款 on a tile of the wall opens the till with ?nozzle=: its oldest fill goes on the ticket, once.
let wanted = Number(new URLSearchParams(location.search).get("nozzle"));
export function fromTheWall() {
  if (!wanted) return;
  const fill = state.fills.find((one) => one.nozzle === wanted && !one.held && !onTicket(one.id));
  wanted = 0;
  history.replaceState(null, "", location.pathname);
  if (fill) takeFill(fill);
}

// Alone at the station, a till leases all that waits, so that it can go on when the network goes.
let asked = "";
export async function holdIfAlone() {
  const free = state.fills.filter((fill) => !fill.mine && !fill.held).map((fill) => fill.id);
  const others = state.fills.filter((fill) => fill.mine && !onTicket(fill.id)).map((fill) => fill.id);
  try {
    if (state.badges.tills === 1 && free.length && asked !== String(free)) {
      asked = String(free);
      await post(urls.lease, { fills: free });
    } else if (state.badges.tills > 1 && others.length) {
      await post(urls.put_back, { fills: others });
    }
  } catch { /* the next pulse tries again */ }
}

setInterval(() => {
  const mine = state.fills.filter((fill) => fill.mine).map((fill) => fill.id);
  if (mine.length && !state.away && !state.stopped) post(urls.lease, { fills: mine }).catch(() => {});
}, 180000);
