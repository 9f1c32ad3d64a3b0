// The ticket in the middle: its lines, sums, member, and the tenders that are on it.

import { follow } from "./display.js";
import { addItem, offOf, setQuantity, sums } from "./basket.js";
import { dropLine, showFills } from "./fills.js";
import { fen, shown, text, times } from "./money.js";
import { memberWords } from "./members.js";
import { couponRows, offersFor } from "./offers.js";
import { openPanel } from "./panels.js";
import { showQuick } from "./paying.js";
import { fitting, showPoints, words } from "./points.js";
import { hint, memberTile, showNext } from "./rewards.js";
import { arrange, atWork, byId, make, refuse, setup, state, toast } from "./screen.js";
import * as store from "./store.js";
import { valueWords } from "./value.js";

const rows = new Map(); // by the line itself
const paid = new Map(); // by the tender on the ticket

export function takeItem(item, count = 1) {
  if (atWork()) return;
  refuse("");
  addItem(state.basket, item, count);
  changed();
}

export function changed() {
  byId("done").hidden = true;
  fitting(state.basket);
  store.keep("basket", state.basket).catch(() => {});
  showTicket();
  showFills();
  offersFor(reckoned);
  hint();
}

// A new quote is on the ticket: what was tendered by cash was reckoned without it.
export function reckoned() {
  const { basket } = state;
  const over = sums(basket, setup).missing < 0;
  if (over && !state.busy) basket.tenders = [];
  basket.lines.forEach((one) => { if (one.discount > one.amount - offOf(one)) one.discount = 0; });
  changed();
  showMember();
}

function shownIn(known, things, build, update) {
  const nodes = things.map((one) => {
    if (!known.has(one)) known.set(one, build(one));
    update(known.get(one), one);
    return known.get(one).node;
  });
  for (const one of [...known.keys()]) if (!things.includes(one)) known.delete(one);
  return nodes;
}

export function showTicket() {
  const { basket } = state;
  const sum = sums(basket, setup);
  byId("lines-none").hidden = basket.lines.length > 0;
  arrange(byId("lines"), shownIn(rows, basket.lines, lineRow, updateLine));
  const box = byId("sums");
  box.hidden = !basket.lines.length;
  const parts = [["合计", shown(sum.list)]];
  if (sum.discount) parts.push(["优惠", `-${shown(sum.discount)}`]);
  if (sum.points) parts.push(["积分抵扣", `-${shown(sum.points)}`]);
  if (sum.rounding) parts.push(["抹零", shown(sum.rounding)]);
  box.replaceChildren(...parts.flatMap(([name, value]) => [make("dt", { textContent: name }), make("dd", { textContent: value })]));
  const left = sum.missing;
  byId("due-label").textContent = basket.tenders.length && left > 0 ? "还差" : "应收";
  byId("due").textContent = shown(basket.tenders.length && left > 0 ? left : sum.due);
  arrange(byId("tenders"), shownIn(paid, basket.tenders, tenderRow, () => {}));
  showQuick(basket);
  follow(basket, sum);
  byId("settle").disabled = state.busy || !basket.lines.length;
}

function tenderRow(one) {
  const remove = make("button", { type: "button", className: "btn line-remove", textContent: "×" });
  remove.setAttribute("aria-label", `删去 ${one.name} ${text(one.amount)} 元`);
  remove.addEventListener("click", () => {
    const index = state.basket.tenders.indexOf(one);
    if (index >= 0 && !atWork()) { state.basket.tenders.splice(index, 1); changed(); }
  });
  return { node: make("li", {}, make("span", { textContent: one.name }), make("span", { className: "number", textContent: shown(one.amount) }), remove) };
}

function lineRow(one) {
  const remove = make("button", { type: "button", className: "btn line-remove", textContent: "×" });
  remove.setAttribute("aria-label", `删去 ${one.name}`);
  remove.addEventListener("click", () => dropLine(one));
  const reason = make("small", { hidden: true });
  const amount = make("span", { className: "number line-amount" });
  const price = make("span", { className: "line-price" });
  const field = one.kind === "FUEL" ? null : quantityField(one);
  const quantity = make("span", { className: "line-quantity" }, ...(field ? [stepper(one, -1), field, stepper(one, 1)] : []), price, one.kind === "FUEL" ? attendantOf(one) : null);
  const node = make("li", { className: "ticket-line" }, make("span", { className: "line-name" }, one.name, reason), amount, quantity, remove);
  return { node, reason, amount, price, field };
}

function updateLine(row, one) {
  const off = [...(one.offers || []).map((offer) => `${offer.reason} -${text(offer.amount)}`), ...(one.discount ? [`优惠 -${text(one.discount)} ${one.reason}`] : [])];
  row.amount.textContent = shown(one.amount - one.discount - offOf(one));
  row.reason.hidden = !off.length;
  row.reason.replaceChildren(...off.flatMap((words, index) => (index ? [make("br"), words] : [words])));
  row.price.textContent = row.field ? `× ${text(one.price)}` : `${Number(one.quantity).toFixed(2)} L × ${text(one.price)}`;
  if (row.field && row.field !== document.activeElement) row.field.value = one.quantity;
}

// The quantity counts while it is typed: waiting for the field to be left would redraw the ticket
// under the finger that taps the next button.
function quantityField(one) {
  const field = make("input", { className: "form-control quantity", value: one.quantity, inputMode: "decimal", autocomplete: "off" });
  field.setAttribute("aria-label", `${one.name} 数量`);
  field.addEventListener("input", () => { if (!state.busy && setQuantity(state.basket, one, field.value.trim())) changed(); });
  field.addEventListener("change", () => {
    if (field.value.trim() === one.quantity) return;
    toast("warning", `数量“${field.value}”不对，仍按 ${one.quantity} 算。`);
    field.value = one.quantity;
  });
  return field;
}

function stepper(one, by) {
  const button = make("button", { type: "button", className: "btn step", textContent: by > 0 ? "+" : "−" });
  button.setAttribute("aria-label", `${one.name} ${by > 0 ? "加一" : "减一"}`);
  button.addEventListener("click", () => {
    if (atWork() || Number(one.quantity) + by <= 0) return;
    setQuantity(state.basket, one, String(Number((Number(one.quantity) + by).toFixed(3))));
    rows.get(one).field.value = one.quantity;
    changed();
  });
  return button;
}

function attendantOf(one) {
  if (!setup.crew.length) return null;
  const choose = make("select", { className: "form-select attendant" });
  choose.setAttribute("aria-label", "加油员");
  choose.append(make("option", { value: "", textContent: "加油员" }), ...setup.crew.map((person) => make("option", { value: person.id, textContent: person.name, selected: person.id === one.attendant })));
  choose.addEventListener("change", () => { one.attendant = choose.value ? Number(choose.value) : null; store.keep("basket", state.basket); });
  return choose;
}

// Lines at a price that the shelf has no more take the new one; what of it changed, in words.
export function reprice() {
  const moved = state.basket.lines.filter((one) => one.item && state.goods.byId(one.item) && fen(state.goods.byId(one.item).price) !== one.price);
  if (!moved.length || state.busy) return "";
  const words = moved.map((one) => {
    const before = one.price;
    one.price = fen(state.goods.byId(one.item).price);
    one.amount = times(one.price, one.quantity);
    one.offers = [];
    if (one.discount > one.amount) one.discount = 0;
    return `${one.name} ${text(before)} → ${text(one.price)}`;
  });
  state.basket.tenders = state.basket.tenders.filter((one) => !setup.tenders.find((tender) => tender.code === one.tender)?.cash);
  changed();
  return `价格已变：${words.join("、")}。单上已改成新价。`;
}

// The member's tier, what it gives, and what is missing to the next one: the engine's own words.
function tierFacts(tier) {
  if (!tier?.name) return [];
  const words = [make("b", { className: "member-tier", textContent: tier.name }), ` ${tier.benefits.join("，")}`];
  for (const line of tier.lines) words.push(make("br"), line);
  return [make("p", { className: "member-facts" }, ...words)];
}

export function showMember(asking = true) {
  const box = byId("member");
  const { member } = state.basket;
  const button = make("button", { type: "button", className: "btn" }, member ? "换会员 " : "会员 ", make("kbd", { textContent: "F7" }));
  button.addEventListener("click", () => openPanel("member"));
  const code = make("button", { type: "button", className: "btn", textContent: "券码" });
  code.addEventListener("click", () => openPanel("coupon"));
  const value = valueWords(member);
  const facts = member ? [factsOf(member, value), ...tierFacts(member.tier), ...memberWords(member)] : [];
  box.replaceChildren(...[...facts, couponRows(reckoned), ...memberTile(member, button, member && pointsButton(member), code)].filter(Boolean));
  if (asking) showPoints();
  if (asking) showNext();
}

function factsOf(member, value) {
  return make("p", { className: "member-facts" }, make("b", { textContent: member.name }), ` ${member.phone}　${member.plates}`, make("br"), `${member.number}　${member.status}`, value);
}

function pointsButton(member) {
  const chosen = words(state.basket);
  const button = make("button", { type: "button", className: "btn", textContent: chosen || member.points || "积分" });
  button.addEventListener("click", () => openPanel("points"));
  return button;
}
