// 客显: the customer reads what the ticket costs. One request at a time and the newest wins; one that
// is lost costs nothing, and the till never waits for it. The drawer's button is here too.

import { newKey } from "./basket.js";
import { text } from "./money.js";
import { atWork, byId, refuse, setup, state, toast, troubled, urls } from "./screen.js";
import { post } from "./server.js";

const CALM = 150; // ms: several changes of one tap are one
const TOTAL_AFTER = 2000; // ms that the price of one thing stands
const IDLE_AFTER = 15000; // ms that the change stands
let wanted = { what: "IDLE" };
let told = "";
let sending = false;
let soon = 0;
let later = 0;
let known = new Map(); // what each line of the ticket cost

export async function tell() {
  const words = JSON.stringify(wanted);
  if (sending || state.away || words === told) return;
  sending = true;
  try {
    await post(urls.till_display, wanted, 3);
  } catch { /* the next change tells it */ } finally {
    told = words;
    sending = false;
  }
  if (JSON.stringify(wanted) !== words) tell();
}

function show(shown, next = null, after = 0) {
  if (!setup.display) return;
  clearTimeout(soon);
  clearTimeout(later);
  wanted = shown;
  soon = setTimeout(tell, CALM);
  if (next) later = setTimeout(() => show(next), after);
}

// Called at every change of the ticket with its sums in fen.
export function follow(basket, sum) {
  const fresh = basket.lines.filter((one) => (known.get(one) ?? 0) < one.amount).at(-1);
  known = new Map(basket.lines.map((one) => [one, one.amount]));
  if (!basket.lines.length) {
    if (wanted.what !== "CHANGE") show({ what: "IDLE" });
    return;
  }
  const total = { what: "TOTAL", total: text(sum.due) };
  if (basket.tenders.length) show({ what: "TENDERED", total: text(sum.due), tendered: text(sum.cash + sum.other) });
  else if (fresh) show({ what: "ITEM", price: text(fresh.price), total: text(sum.due) }, total, TOTAL_AFTER);
  else if (wanted.what === "ITEM") {
    if (wanted.total !== total.total) show({ ...wanted, total: total.total }, total, TOTAL_AFTER);
  } else show(total);
}

export function gaveChange(sold) {
  show({ what: "CHANGE", total: sold.due, tendered: sold.tendered || sold.due, change: sold.change }, { what: "IDLE" }, IDLE_AFTER);
}

export function startDrawer() {
  const button = byId("drawer");
  button?.addEventListener("click", async () => {
    if (atWork()) return;
    refuse("");
    try {
      await post(urls.till_drawer, { key: newKey().slice(0, 16) });
      toast("success", "已请打印机开钱箱，已记入审计。");
    } catch (error) {
      troubled(error);
    }
  });
}
