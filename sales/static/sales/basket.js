// The basket: lines, what was taken off, and how it is paid. It lives in the browser until it is
// settled or parked, so that the till sells without the network; it is kept at every change.

import { fen, settleUp, split, text, times } from "./money.js";

export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((one) => one.toString(16).padStart(2, "0")).join("");
}

export function emptyBasket() {
  return { key: newKey(), lines: [], tenders: [], discount: 0, reason: "", member: null, points: 0, pointsOff: 0, coupons: [], codes: [], without: [] };
}

export function addFill(basket, fill) {
  if (basket.lines.some((line) => line.fill === fill.id)) return false;
  basket.lines.push({
    kind: "FUEL", fill: fill.id, grade: fill.grade_id, name: `${fill.grade} ${fill.nozzle} 号枪`,
    quantity: fill.litres, unit: "L", price: fen(fill.price), amount: fen(fill.amount),
    attendant: fill.attendant, discount: 0, reason: "",
  });
  basket.tenders = [];
  return true;
}

export function addItem(basket, item, count = 1) {
  const same = basket.lines.find((line) => line.item === item.id && !line.discount);
  if (same) {
    setQuantity(basket, same, String(Number(same.quantity) + count));
    return;
  }
  const line = {
    kind: item.kind, item: item.id, name: item.name, unit: item.unit, quantity: String(count),
    price: fen(item.price), amount: 0, attendant: null, discount: 0, reason: "",
  };
  line.amount = times(line.price, line.quantity);
  basket.lines.push(line);
  basket.tenders = [];
}

export function setQuantity(basket, line, quantity) {
  if (line.kind === "FUEL" || !/^\d+(\.\d{1,3})?$/.test(quantity) || Number(quantity) <= 0) return false;
  line.quantity = quantity;
  line.amount = times(line.price, quantity);
  line.offers = []; // until the server has said what the new quantity gets
  if (line.discount > line.amount) line.discount = 0;
  basket.tenders = [];
  return true;
}

export function removeLine(basket, index) {
  basket.tenders = [];
  if (basket.lines.length === 1) basket.discount = 0;
  return basket.lines.splice(index, 1)[0];
}

// What offers take off a line, as the server's last quote said.
export const offOf = (line) => (line.offers || []).reduce((sum, one) => sum + one.amount, 0);

// Sums of a basket in fen. `byCash` shows what would be due if the rest were paid in cash.
export function sums(basket, setup, byCash = false) {
  const list = basket.lines.reduce((sum, line) => sum + line.amount, 0);
  const own = basket.lines.reduce((sum, line) => sum + line.discount + offOf(line), 0);
  const points = basket.pointsOff || 0;
  const net = list - own - basket.discount - points;
  const cashCodes = new Set(setup.tenders.filter((one) => one.cash).map((one) => one.code));
  let cash = 0;
  let other = 0;
  for (const one of basket.tenders) {
    if (cashCodes.has(one.tender)) cash += one.amount; else other += one.amount;
  }
  const paid = settleUp({ net, cash, other, step: fen(setup.step), byCash });
  return { list, discount: own + basket.discount, points, net, cash, other, ...paid };
}

// How a discount on the whole ticket falls on its lines, as the server will share it.
export function shares(basket) {
  return split(basket.discount, basket.lines.map((line) => line.amount - line.discount - offOf(line)));
}

// The ticket as the server reads it.
export function ticketOf(basket, setup) {
  return {
    key: basket.key,
    lines: basket.lines.map((line) => ({
      kind: line.kind, fill: line.fill, item: line.item, grade: line.grade, name: line.name,
      quantity: line.quantity, price: text(line.price), amount: text(line.amount),
      discount: text(line.discount), reason: line.reason, attendant: line.attendant,
    })),
    tenders: basket.tenders.map((one) => ({ tender: one.tender, amount: text(one.amount), reference: one.reference || "" })),
    discount: text(basket.discount),
    reason: basket.reason,
    member: basket.member ? basket.member.id : null,
    plate: basket.member ? basket.plate || "" : "",
    points: basket.points || 0,
    coupons: basket.coupons || [],
    codes: basket.codes || [],
    without: basket.without || [],
    due: text(sums(basket, setup).due),
  };
}

// A basket as it was put aside, back on the screen.
export function basketOf(ticket) {
  const basket = emptyBasket();
  basket.key = ticket.key;
  basket.plate = ticket.plate || "";
  basket.lines = ticket.lines.map((line) => ({
    ...line, unit: line.kind === "FUEL" ? "L" : "", price: fen(line.price), amount: fen(line.amount),
    discount: fen(line.discount || "0"), reason: line.reason || "", attendant: line.attendant ?? null,
  }));
  basket.discount = fen(ticket.discount || "0");
  basket.reason = ticket.reason || "";
  basket.codes = ticket.codes || [];
  basket.without = ticket.without || [];
  return basket;
}
