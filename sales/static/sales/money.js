// Money on the till's screen: whole fen as integers in, text out. The same rules as station/money.py
// and sales/queries/totals.py; the server counts again and refuses a total that differs.

export function fen(text) {
  const match = /^(-?)(\d+)(?:\.(\d{1,2}))?$/.exec(String(text).trim());
  if (!match) return null;
  const whole = Number(match[2]) * 100 + Number((match[3] || "").padEnd(2, "0") || 0);
  return match[1] ? -whole : whole;
}

export function text(amount) {
  const sign = amount < 0 ? "-" : "";
  const whole = Math.abs(amount);
  return `${sign}${Math.floor(whole / 100)}.${String(whole % 100).padStart(2, "0")}`;
}

export function shown(amount) {
  const [yuan, rest] = text(amount).split(".");
  return `¥${yuan.replace(/\B(?=(\d{3})+(?!\d))/g, ",")}.${rest}`;
}

// Price (fen) times a quantity given as text with up to three places, half up.
export function times(price, quantity) {
  const [whole, part = ""] = String(quantity).split(".");
  const thousandths = BigInt(whole) * 1000n + BigInt(part.padEnd(3, "0").slice(0, 3));
  return Number((BigInt(price) * thousandths + 500n) / 1000n);
}

// Half up to a multiple of the step.
export function roundTo(amount, step) {
  return Math.floor((amount * 2 + step) / (step * 2)) * step;
}

// Share an amount over weights; each part is rounded half up, the last with a weight takes the rest.
export function split(total, weights) {
  const whole = weights.reduce((sum, one) => sum + one, 0);
  const parts = weights.map(() => 0);
  if (!total || whole <= 0) return parts;
  let last = 0;
  weights.forEach((one, index) => { if (one > 0) last = index; });
  let left = total;
  weights.forEach((one, index) => {
    if (one > 0 && index !== last) {
      parts[index] = Math.floor((total * one * 2 + whole) / (whole * 2));
      left -= parts[index];
    }
  });
  parts[last] = left;
  return parts;
}

// What is due, how it is rounded and what goes back. Only what is left for cash is rounded.
export function settleUp({ net, cash, other, step, byCash }) {
  const left = net - other;
  const owed = (cash || byCash) && left > 0 ? roundTo(left, step) : left;
  return { due: other + owed, rounding: owed - left, missing: owed - cash, change: cash - owed };
}
