// What every part of the till shares: its settings, its state, and the words to the cashier.

import { emptyBasket } from "./basket.js";
import { catalogueOf } from "./goods.js";
import { Away, Refused } from "./server.js";

export const setup = JSON.parse(document.getElementById("setup").textContent);
export const urls = setup.urls;
export const byId = (id) => document.getElementById(id);

export const state = {
  setup, basket: emptyBasket(), fills: [], away: false, goods: catalogueOf([]), swipe: setup.swipe,
  badges: {}, busy: false, stopped: false,
  turn: 0, // counts what the cashier did with fills, so that an older pulse undoes none of it
};

export const onTicket = (id) => state.basket.lines.some((one) => one.fill === id);

export const make = (tag, attributes = {}, ...children) => {
  const node = Object.assign(document.createElement(tag), attributes);
  node.append(...children.filter((one) => one !== null && one !== undefined));
  return node;
};

// Put nodes into a list in this order and touch none that is in its place: a button that is taken
// out of the page under the finger loses its click.
export function arrange(list, nodes) {
  nodes.forEach((node, index) => { if (list.children[index] !== node) list.insertBefore(node, list.children[index] || null); });
  while (list.children.length > nodes.length) list.lastElementChild.remove();
}

// The second tap of a double tap does nothing: the first may have moved another button under the
// finger. Where more taps mean more (digits, goods, steps), each counts; so does one after typing.
const DOUBLE = 450; // ms
const NEAR = 16; // px
const NONE = { timeStamp: -DOUBLE, clientX: 0, clientY: 0 };
let lastTap = NONE;
export function calm(box, countsEach) {
  box.addEventListener("click", (event) => {
    const counts = !event.detail || event.target.closest(countsEach); // a key, or one of many
    const again = !counts && event.timeStamp - lastTap.timeStamp < DOUBLE
      && Math.hypot(event.clientX - lastTap.clientX, event.clientY - lastTap.clientY) < NEAR;
    if (again) event.stopPropagation(); else lastTap = counts ? NONE : event;
  }, true);
  box.addEventListener("input", () => { lastTap = NONE; });
}

export function toast(level, words) {
  document.dispatchEvent(new CustomEvent("toast", { detail: { level, text: words } }));
}

export function refuse(words) {
  const box = byId("refusal");
  box.textContent = words || "";
  box.hidden = !words;
  if (words) box.focus();
}

// While a ticket is on its way to the server it is not changed: what came on it would be lost.
export function atWork() {
  if (state.busy) refuse("正在收这一单，请等它办完再改。");
  return state.busy;
}

export function line(words) {
  const box = byId("notice-line");
  box.textContent = words;
  box.hidden = !words;
}

export function troubled(error, more = "") {
  if (error instanceof Refused) refuse(`${error.message}${more}`);
  else if (error instanceof Away) { document.dispatchEvent(new Event("away")); refuse(`网络不通，这一步没有送到。${more}`); } else { refuse(`页面出错，请刷新；单上的内容会留着。${more}`); throw error; }
}
