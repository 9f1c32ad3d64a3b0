// The member's points: what he has, what the ticket would earn, and paying a part with them.

import { sums, ticketOf } from "./basket.js";
import { fen, shown, text } from "./money.js";
import { attempt, row } from "./panels.js";
import { byId, state, urls } from "./screen.js";
import { Refused, post } from "./server.js";
import { changed, showMember } from "./ticket.js";

let told = null; // what the server said of the member on the ticket
const count = (points) => String(points).replace(/\B(?=(\d{3})+(?!\d))/g, ",");

// What so many points pay, in fen, rounded down as the server does.
function worth(points) {
  return Math.floor((points * fen(told.per100)) / 100);
}

export function spend(points) {
  state.basket.points = points;
  state.basket.pointsOff = points ? worth(points) : 0;
  state.basket.tenders = [];
}

// Points chosen for another member, or for more than the ticket still costs, are taken off again.
export function fitting(basket) {
  if (basket.pointsOff && (!basket.member || sums(basket, state.setup).net < 0)) {
    basket.points = 0;
    basket.pointsOff = 0;
    showMember(false);
  }
}

async function ask() {
  return post(urls.till_points, { ...ticketOf({ ...state.basket, points: 0, pointsOff: 0 }, state.setup), tenders: [] }, 5);
}

// The line under the member's name; without lines on the ticket there is nothing to ask about yet.
export async function showPoints() {
  const { basket } = state;
  if (!basket.member || !basket.lines.length || state.away) return;
  try {
    const said = await ask();
    if (basket !== state.basket || !basket.member) return;
    told = said;
    basket.member.points = facts(said);
    showMember(false);
  } catch { /* the tile stays without points; the panel says why */ }
}

function facts(said) {
  const parts = [`积分 ${count(said.balance)}`];
  if (said.pending) parts.push(`待生效 ${count(said.pending)}`);
  if (said.soon) parts.push(`30 天内过期 ${count(said.soon)}`);
  if (said.debt) parts.push(`欠 ${count(said.debt)}`);
  if (said.pool) parts.push(said.pool);
  return parts.join("　");
}

export async function fillPoints() {
  if (!state.basket.member) throw new Refused("还没有会员。请先选会员。");
  if (!state.basket.lines.length) throw new Refused("单是空的。请先把加油或商品加到单上。");
  told = await ask();
  const list = [row(facts(told), `每 100 分抵 ${told.per100} 元，一次至少 ${count(told.least)} 分，最多抵一单的 ${told.share}%`)];
  if (told.frozen) list.push(row("积分已冻结，不能抵扣", "请客服核实后解冻。"));
  else list.push(row(told.most ? `这一单最多用 ${count(told.most)} 分，抵 ${shown(fen(told.worth))}` : "这一单不能用积分抵扣", told.most ? "" : "可用积分不够一次的最少分数，或这一单太小。"));
  list.push(row(`这一单可得 ${count(told.earns)} 分`, told.words.join("\n")));
  byId("points-facts").replaceChildren(...list);
  byId("points-amount").value = state.basket.points || "";
}

function take(panel, typed) {
  const points = Number(typed || 0);
  if (!/^\d{0,9}$/.test(typed) || points > told.most) throw new Refused(`这一单最多用 ${count(told.most)} 分。请改少。`);
  if (points && points < told.least) throw new Refused(`一次至少用 ${count(told.least)} 分。请改多，或清空不用。`);
  spend(points);
  panel.close();
  changed();
  showMember(false);
}

export function startPoints() {
  const panel = byId("panel-points");
  byId("points-form").addEventListener("submit", (event) => { event.preventDefault(); attempt(event.target, async () => take(panel, byId("points-amount").value.trim())); });
  byId("points-all").addEventListener("click", () => { byId("points-amount").value = told?.most || ""; byId("points-amount").focus(); });
}

// What a sale did to the points, for the line that says it is done.
export function gained(points) {
  if (!points) return "";
  const parts = [];
  if (points.spent) parts.push(`用积分 ${count(points.spent)}`);
  if (points.earned) parts.push(`得积分 ${count(points.earned)}`);
  if (points.words) parts.push(points.words);
  if (points.balance !== null) parts.push(`可用 ${count(points.balance)}`);
  return parts.join("　");
}

export const words = (basket) => (basket.points ? `${count(basket.points)} 分抵 ${text(basket.pointsOff)} 元` : "");
