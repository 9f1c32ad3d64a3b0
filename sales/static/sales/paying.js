// 收款: cash at one tap, other tenders, several together; sent once, and kept where the network is away.

import { emptyBasket, sums, ticketOf } from "./basket.js";
import { gaveChange } from "./display.js";
import { leased, showFills } from "./fills.js";
import { fen, shown, text } from "./money.js";
import * as offline from "./offline.js";
import { askAgain, forbids, letGo, quoted, withoutOffers } from "./offers.js";
import { openPanel } from "./panels.js";
import { gained } from "./points.js";
import { arrange, byId, make, refuse, setup, state, troubled, urls } from "./screen.js";
import { Away, Refused, post } from "./server.js";
import * as store from "./store.js";
import { tellSold } from "./tab.js";
import { changed, reckoned, reprice, showMember, showTicket } from "./ticket.js";
import { loadGoods, setAway, showFreshness } from "./till.js";
import { forgetSecrets, payByValue, secretsOf, takeOffValue, usesValue } from "./value.js";

const MOST = 999999999; // fen that a payment can be
const NOTES = [500, 1000, 2000, 5000, 10000];
let typed = "";
let padInto = "amount"; // where the keys on the screen write

const cashTender = () => setup.tenders.find((one) => one.cash);
const quick = [];

// The buttons stay the same nodes: the amount on one may change while it is being pressed.
export function showQuick(basket) {
  const owed = basket.lines.length ? Math.max(0, sums(basket, setup, true).missing) : 0;
  const notes = owed ? [...new Set([owed, ...NOTES.map((note) => Math.ceil(owed / note) * note)])].sort((one, two) => one - two).slice(0, 5) : [];
  while (quick.length < notes.length) quick.push(quickButton(!quick.length));
  notes.forEach((note, index) => {
    quick[index].amount = note;
    quick[index].words.textContent = index ? shown(note) : `现金正好 ${shown(note)}`;
  });
  arrange(byId("quick"), quick.slice(0, notes.length).map((one) => one.button));
}

function quickButton(exact) {
  const words = make("span");
  const button = make("button", { type: "button", className: exact ? "btn btn-exact" : "btn" }, words);
  if (exact) button.append(" ", make("kbd", { textContent: "F9" }));
  button.dataset.quick = exact ? "exact" : "note";
  const one = { button, words, amount: 0 };
  button.addEventListener("click", () => payCash(one.amount));
  return one;
}

function payCash(amount) {
  const cash = cashTender();
  if (state.busy || !amount) return;
  refuse(forbids(cash));
  if (forbids(cash)) return;
  state.basket.tenders.push({ tender: cash.code, name: cash.name, amount, reference: "" });
  setTyped("");
  changed();
  if (sums(state.basket, setup).missing <= 0) settle();
}

// What was typed as an amount, in fen; null when it is none.
function typedFen() {
  return fen(typed.normalize("NFKC").replace(/[,¥\s]/g, ""));
}

function payBy(tender) {
  if (state.busy) return undefined;
  refuse("");
  const sum = sums(state.basket, setup, tender.cash);
  if (!state.basket.lines.length) return refuse("单是空的。请先把加油或商品加到单上。");
  const amount = typed ? typedFen() : Math.max(0, sum.missing);
  if (amount === null || amount < 0 || amount > MOST) return refuse(`“${typed}”不是金额。请改成元，最多两位小数。`);
  if (!amount && sum.missing <= 0 && !typed) return settle();
  if (!amount) return refuse("金额是 0。请填要收的金额，或清掉再点。");
  if (!tender.cash && amount > sum.net - sum.other) return refuse(`${tender.name} 不能多收，最多 ${text(Math.max(0, sum.net - sum.other))} 元。`);
  if (forbids(tender)) return refuse(forbids(tender));
  if (tender.value) return payByValue(tender, amount);
  const reference = byId("reference");
  if (tender.reference && (reference.dataset.tender !== tender.code || !reference.value.trim())) return askReference(tender);
  state.basket.tenders.push({ tender: tender.code, name: tender.name, amount, reference: tender.reference ? reference.value.trim() : "" });
  hideReference();
  setTyped("");
  changed();
  if (sums(state.basket, setup).missing <= 0) settle();
  return undefined;
}

function askReference(tender) {
  const field = byId("reference");
  field.hidden = byId("reference-label").hidden = false;
  byId("reference-label").textContent = `${tender.name} 凭证号`;
  field.dataset.tender = tender.code;
  padInto = "reference";
  // On a touch screen the keys on the page are enough; the system's keyboard would cover it.
  if (!coarse()) field.focus();
}

function hideReference() {
  const field = byId("reference");
  field.value = "";
  field.dataset.tender = "";
  field.hidden = byId("reference-label").hidden = true;
  padInto = "amount";
}

export const coarse = () => window.matchMedia("(pointer: coarse)").matches;

function setTyped(value) {
  typed = value;
  byId("amount").value = value;
}

// `approver` is the account and PIN of the second person; it is sent and kept nowhere.
export async function settle(approver = null) {
  const { basket } = state;
  if (state.busy || !basket.lines.length) return;
  refuse("");
  if (sums(basket, setup).missing > 0) { refuse(`还差 ${text(sums(basket, setup).missing)} 元。请点付款方式。`); return; }
  state.busy = true;
  byId("settle").disabled = true;
  try {
    // A fill that was refused is off the ticket again, and the screen says whose it is.
    const due = sums(basket, setup).due;
    if (await leased() && await stillOwed(basket, due)) await sell(basket, approver);
  } finally {
    state.busy = false;
    showTicket();
  }
}

// The offers that were on their way may have made it cheaper: the new amount is shown, not taken.
async function stillOwed(basket, due) {
  await quoted();
  if (sums(basket, setup).due === due) return true;
  basket.tenders = [];
  refuse(`优惠算好了，应收变为 ${shown(sums(basket, setup).due)}。请再点一次付款。`);
  return false;
}

async function sell(basket, approver) {
  const ticket = ticketOf(basket, setup);
  try {
    finish(await sendTicket(ticket, approver), basket);
  } catch (error) {
    await notSettled(error, ticket, basket);
  }
}

const handDiscount = (basket) => basket.discount || basket.lines.some((one) => one.discount);

async function notSettled(error, ticket, basket) {
  if (error instanceof Away) { await settleAlone(ticket, basket); return; }
  if (error instanceof Refused && /权限/.test(error.message) && handDiscount(basket)) { openPanel("approve", error.message); return; }
  if (error instanceof Refused) {
    if (usesValue(basket)) takeOffValue(basket); // the next try asks for the PIN again
    await loadGoods(); // the shelf may have another price than the screen
    state.busy = false;
    const words = reprice();
    await askAgain(reckoned);
    if (words) { refuse(`${words}请看清新的金额再收。`); return; }
  }
  troubled(error);
}

// A lost answer is asked for once more with the same key: the server sells it once.
async function sendTicket(ticket, approver) {
  const body = { ...ticket, ...(approver || {}), ...secretsOf(ticket) };
  try {
    return await post(urls.settle, body);
  } catch (error) {
    if (!(error instanceof Away)) throw error;
    return post(urls.settle, body, 4);
  }
}

async function settleAlone(ticket, basket) {
  setAway(true);
  if (usesValue(basket)) { refuse("网络不通，储值不能断网收。等网络恢复再点“收款”：已经扣过的不会再扣。"); return; }
  if (!offline.secure()) { refuse("网络不通，而且本页不是安全连接，不能断网收款。请等网络恢复，单上的内容会留着。"); return; }
  const strange = basket.lines.find((one) => one.fill && !state.fills.find((fill) => fill.id === one.fill)?.mine);
  if (strange) { refuse(`断网时不能收 ${strange.name}：没有锁定在本台。请等网络恢复。`); return; }
  if (withoutOffers()) { basket.tenders = []; refuse(`断网时没有优惠，按挂牌价收 ${shown(sums(basket, setup).due)}。请跟客人说明后再收，或等网络恢复。`); return; }
  if (sums(basket, setup).discount) { refuse("断网时不能手工优惠。请去掉优惠再收，或等网络恢复。"); return; }
  if (basket.points) { refuse("断网时不能用积分抵扣。请去掉积分再收，或等网络恢复。"); return; }
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
  box.replaceChildren(make("strong", { textContent: change > 0 ? `找零 ${shown(change)}` : `已收 ${shown(fen(sold.due))}` }), make("span", { textContent: ` ${sold.number}　${gained(sold.points)}` }));
  box.hidden = false;
  const fills = new Set(basket.lines.map((one) => one.fill));
  state.fills = state.fills.filter((fill) => !fills.has(fill.id));
  letGo(basket);
  state.basket = emptyBasket();
  state.turn += 1;
  gaveChange(sold);
  tellSold(basket.key);
  forgetSecrets();
  refuse("");
  setTyped("");
  hideReference();
  store.keep("basket", state.basket).catch(() => {});
  showTicket();
  showFills();
  showMember();
  document.dispatchEvent(new CustomEvent("announce", { detail: { text: box.textContent } }));
  // The command box takes what is typed next; on a touch screen it would only raise the keyboard.
  if (coarse()) document.activeElement?.blur(); else byId("command").focus({ preventScroll: true });
}

function press(digit) {
  const field = byId(padInto);
  const next = digit === "back" ? field.value.slice(0, -1) : field.value + digit;
  if (padInto === "reference") field.value = next.slice(0, 60);
  else if (/^\d{0,7}(\.\d{0,2})?$/.test(next)) setTyped(next);
}

export function startPaying() {
  document.querySelectorAll("[data-digit]").forEach((button) => button.addEventListener("click", () => press(button.dataset.digit)));
  byId("amount").addEventListener("input", (event) => { typed = event.target.value.trim(); });
  byId("amount").addEventListener("focus", () => { padInto = "amount"; });
  byId("reference").addEventListener("focus", () => { padInto = "reference"; });
  byId("amount-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const waiting = byId("reference").hidden ? "" : byId("reference").dataset.tender;
    payBy(setup.tenders.find((one) => one.code === waiting) || cashTender());
  });
  byId("settle").addEventListener("click", () => settle());
  byId("tender-buttons").replaceChildren(...setup.tenders.map((tender) => {
    const button = make("button", { type: "button", className: "btn tender", textContent: tender.name });
    button.addEventListener("click", () => payBy(tender));
    return button;
  }));
}
