// 优惠: what promotions and coupons take off the ticket. The server reckons; the screen shows it line
// by line and sends back the coupons that the quote used. Without the network the list price holds.

import { ticketOf } from "./basket.js";
import { fen, shown, text } from "./money.js";
import { byId, make, refuse, setup, state, urls } from "./screen.js";
import { Away, Refused, post } from "./server.js";

let asked = null; // the quote that is on its way
let standing = ""; // what the shown quote was asked for
let told = []; // what the last quote said of each coupon
let locks = []; // and of each locked price of the member

const something = () => state.basket.lines.length
  && (state.badges.offers || state.basket.member || state.basket.codes?.length || state.basket.coupons?.length);

// What a quote depends on: hand discounts and payments are not among it.
function subject() {
  const { key, lines, member, codes, without } = state.basket;
  return JSON.stringify([key, lines.map((one) => [one.fill, one.item, one.quantity, one.price]), member?.id, codes, without]);
}

// Ask again where the ticket has changed; `redraw` shows what came back.
export function offersFor(redraw) {
  if (state.away || state.stopped || !something()) {
    const had = state.basket.lines.some((one) => one.offers?.length) || told.length || locks.length;
    letGo(state.basket);
    forget();
    if (had) redraw();
    return;
  }
  if (subject() === standing) return;
  standing = subject();
  const mine = ask(standing, redraw);
  asked = mine;
  mine.finally(() => { if (asked === mine) asked = null; });
}

async function ask(wanted, redraw) {
  const { basket } = state;
  try {
    const said = await post(urls.till_quote, { ...ticketOf({ ...basket, tenders: [] }, setup), due: "" });
    if (basket !== state.basket || subject() !== wanted) return;
    basket.lines.forEach((line, index) => {
      line.offers = said.lines[index].map((one) => ({ amount: fen(one.amount), reason: one.reason }));
    });
    basket.coupons = said.used;
    told = said.coupons;
    locks = said.locks;
  } catch (error) {
    if (basket !== state.basket || subject() !== wanted) return;
    standing = "";
    if (error instanceof Refused) {
      // A code that is none is off the ticket again; the rest is asked for once more.
      const wrong = basket.codes?.length;
      basket.codes = [];
      refuse(error.message);
      if (wrong) return offersFor(redraw);
    } else if (!(error instanceof Away)) throw error;
    forget();
  }
  redraw();
  return undefined;
}

function forget() {
  standing = "";
  told = [];
  locks = [];
  state.basket.lines.forEach((one) => { one.offers = []; });
  state.basket.coupons = [];
}

// Money waits for the quote: the amount on the screen is the one that is taken.
export async function quoted() {
  while (asked) await asked;
}

// The server knew better: what is shown is asked for afresh.
export function askAgain(redraw) {
  standing = "";
  state.badges.offers = state.badges.offers || 1;
  offersFor(redraw);
  return quoted();
}

// Without the network nobody knows the offers: the list price, said aloud.
export function withoutOffers() {
  const had = state.basket.lines.some((one) => one.offers?.length);
  forget();
  return had;
}

// A basket that is closed holds no coupon.
export function letGo(basket) {
  standing = "";
  told = [];
  locks = [];
  if (!state.away && (basket.coupons?.length || basket.codes?.length)) post(urls.till_release, { key: basket.key }).catch(() => {});
}

export function addCode(code, redraw) {
  state.basket.codes = [...new Set([...(state.basket.codes || []), code])];
  redraw();
}

// Why a coupon on the ticket cannot be paid by this tender; empty where all can. Known before any
// money is taken, so that the cashier may choose: another tender, or the ticket without the coupon.
export function forbids(tender) {
  const one = told.find((coupon) => state.basket.coupons?.includes(coupon.id) && coupon.tenders.length && !coupon.tenders.includes(tender.code));
  return one ? `「${one.name}」${one.paid}，不能用${tender.name}。请换付款方式，或点掉这张券再收。` : "";
}

// ---------------------------------------------------------------- on the tile
export function couponRows(redraw) {
  if (!told.length && !locks.length && !state.basket.without?.length) return null;
  const list = make("ul", { className: "coupon-list" });
  list.setAttribute("aria-label", "锁价和优惠券");
  list.append(...locks.map(lockRow), ...told.map((one) => couponRow(one, redraw)), ...skipped(redraw));
  return list;
}

const lastDay = (until) => new Date(new Date(until) - 1).toLocaleDateString("zh-CN", { month: "numeric", day: "numeric" });

function lockRow(one) {
  const used = fen(one.amount) > 0;
  const words = used ? `这次 ${one.litres} 升，余 ${one.left} 升，到 ${lastDay(one.until)}` : `余 ${one.left} 升，到 ${lastDay(one.until)}：${one.why}`;
  const row = make("li", { className: used ? "coupon coupon-used" : "coupon" },
    make("span", {}, make("b", { textContent: one.name }), make("small", { textContent: words })));
  if (used) row.append(make("span", { className: "number", textContent: `-${shown(fen(one.amount))}` }));
  return row;
}

function couponRow(one, redraw) {
  const used = state.basket.coupons.includes(one.id);
  const words = [used ? `已用，到 ${lastDay(one.until)}` : one.why, one.paid].filter(Boolean).join("，");
  const row = make("li", { className: used ? "coupon coupon-used" : "coupon" },
    make("span", {}, make("b", { textContent: one.name }), make("small", { textContent: words })));
  if (used) {
    const remove = make("button", { type: "button", className: "btn", textContent: `-${shown(fen(one.amount))} ×` });
    remove.setAttribute("aria-label", `不用 ${one.name}，少减 ${text(fen(one.amount))} 元`);
    remove.addEventListener("click", () => {
      if (state.busy) return;
      state.basket.without = [...(state.basket.without || []), one.id];
      state.basket.tenders = [];
      redraw();
    });
    row.append(remove);
  }
  return row;
}

function skipped(redraw) {
  if (!state.basket.without?.length) return [];
  const again = make("button", { type: "button", className: "btn", textContent: `${state.basket.without.length} 张券没用，改回自动` });
  again.addEventListener("click", () => { if (!state.busy) { state.basket.without = []; state.basket.tenders = []; redraw(); } });
  return [make("li", { className: "coupon" }, again)];
}

export function startOffers(redraw) {
  byId("coupon-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const code = byId("coupon-code").value.normalize("NFKC").toUpperCase().replace(/[^0-9A-Z]/g, "");
    if (!code || state.busy) return;
    byId("coupon-code").value = "";
    event.target.closest("dialog").close();
    refuse("");
    addCode(code, redraw);
  });
}
