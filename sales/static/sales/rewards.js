// 兑换: what a member's points buy, taken in a few taps, and what he may still pick up.

import { newKey, ticketOf } from "./basket.js";
import { fen, shown } from "./money.js";
import { at, attempt, button, fetched, nothing, openPanel, row } from "./panels.js";
import { byId, make, setup, state, toast, urls } from "./screen.js";
import { post } from "./server.js";
import { showMember, takeItem } from "./ticket.js";

const keys = new Map(); // by member and reward: a tap that was not answered is the same order
let asking = 0; // counts what the tile asked for, so that an older answer is not shown
let hinting = 0;
let typing = 0;

// ---------------------------------------------------------------- the member's tile
export function memberTile(member, choose, points, coupon) {
  const code = button("核销码", () => openPanel("code"));
  if (!member) return [make("div", { className: "member-buttons" }, choose, coupon, code)];
  const facts = make("p", { className: "member-points" }, make("span", { id: "reward-next", textContent: member.next || "" }), " ", make("b", { id: "reward-hint", textContent: member.hint || "" }));
  facts.setAttribute("aria-live", "polite");
  const mall = button("兑换", () => openPanel("rewards"), "btn-mall");
  return [facts, make("div", { className: "member-buttons" }, points, mall, choose, coupon, code)];
}

// What is missing for the next reward; the tile is no reason to stop selling.
export async function showNext() {
  const mine = (asking += 1);
  const { member } = state.basket;
  if (!member || state.away) return;
  try {
    const said = await fetched(`${urls.till_reward_tile}?member=${member.id}`);
    if (mine !== asking || state.basket.member !== member) return;
    member.next = said.next ? `再 ${said.missing} 分可换 ${said.next}` : "";
    member.points ||= `积分 ${said.balance.toLocaleString("en-US")}`;
    showMember(false);
    hint();
  } catch { /* it is asked again with the next member */ }
}

// 再加 X 元可换 Y, asked for a moment after the basket stood still.
export function hint() {
  clearTimeout(hinting);
  hinting = setTimeout(async () => {
    const { basket } = state;
    const box = byId("reward-hint");
    if (!box || !basket.member || !basket.lines.length || state.away || state.busy) { if (box) box.textContent = ""; if (basket.member) basket.member.hint = ""; return; }
    try {
      const { words } = await post(urls.till_reward_hint, ticketOf({ ...basket, tenders: [] }, setup));
      if (state.basket !== basket || !basket.member) return;
      basket.member.hint = words;
      if (byId("reward-hint")) byId("reward-hint").textContent = words;
    } catch { box.textContent = ""; }
  }, 600);
}

// ---------------------------------------------------------------- the panel
export async function showMall(panel) {
  const { member } = state.basket;
  if (!member) { panel.close(); openPanel("member"); return; }
  const asked = new URLSearchParams({ member: member.id, q: byId("mall-text").value.trim(), affordable: byId("mall-affordable").checked ? "1" : "" });
  const said = await fetched(`${urls.till_mall}?${asked}`);
  byId("mall-who").textContent = `${member.name}　${member.phone}　可用积分 ${said.balance}`;
  const seen = byId("mall-seen");
  seen.className = `state state-${said.seen ? "good" : "wait"}`;
  seen.textContent = said.seen ? `本人在场（${said.seen}），可以兑换` : "请会员刷卡或出示手机码，或在下面核验本人";
  byId("mall-code").hidden = !said.codes;
  byId("mall-list").replaceChildren(...said.rewards.map((one) => rewardRow(panel, one)));
  nothing(byId("mall-list"), "没有符合的礼品。");
  byId("mall-orders").replaceChildren(...said.orders.map((one) => orderRow(panel, one)));
  byId("mall-waiting").hidden = !said.orders.length;
}

function rewardRow(panel, one) {
  const facts = [one.kind_words, one.stock === null ? "" : `本站 ${one.stock} 件`, one.surcharge ? `另加 ${shown(fen(one.surcharge))}` : ""];
  const take = button(one.available ? "兑换" : one.told, () => attempt(panel, () => redeem(panel, one)), one.available ? "btn-primary" : "");
  take.disabled = !one.available;
  if (one.available) take.setAttribute("aria-label", `兑换 ${one.name}`);
  return row(`${one.name}　${one.points} 分`, facts.filter(Boolean).join("　"), take);
}

async function redeem(panel, one) {
  const { member } = state.basket;
  const name = `${member.id}:${one.id}`;
  if (!keys.has(name)) keys.set(name, newKey());
  const proof = Object.fromEntries(new FormData(byId("mall-proof")));
  const said = await post(urls.till_redeem, { ...proof, key: keys.get(name), member: member.id, reward: one.id, hand_out: byId("mall-now").checked ? "1" : "" });
  keys.delete(name);
  byId("mall-proof").reset();
  tell(said);
  if (said.surcharge_item) {
    const item = state.goods.byId(said.surcharge_item);
    if (item) takeItem(item);
    toast("info", `请收加价款 ${said.surcharge} 元，收款后在“兑换”里发货。`);
  }
  delete member.points;
  showNext();
  await showMall(panel);
}

function tell(said) {
  const code = said.code ? `，核销码 ${said.code.slice(0, 4)} ${said.code.slice(4)}` : "";
  const words = `${said.name} ${said.state_words}，单号 ${said.number}${code}`;
  const box = byId("mall-done");
  box.textContent = words;
  box.hidden = false;
  toast("success", words);
}

const DO = { GOODS: "发货", SERVICE: "核销" };
function orderRow(panel, one) {
  const paper = button("补打", () => attempt(panel, async () => { await post(at(urls.till_reward_slip, one.id), { copy: one.copy }); toast("success", `${one.number} 已补打。`); await showMall(panel); }));
  const give = DO[one.kind] ? [button(DO[one.kind], () => attempt(panel, async () => { tell(await post(at(urls.till_hand_out, one.id), {})); await showMall(panel); }), "btn-primary")] : [];
  const code = one.code ? `　码 ${one.code}` : "";
  const money = one.surcharge ? `　另加 ${shown(fen(one.surcharge))}` : "";
  return row(`${one.name}　${one.state_words}`, `${one.number}${code}${money}　最后一天 ${one.until}`, ...give, paper);
}

export function startRewards() {
  byId("mall-text").addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(again, 250); });
  byId("mall-affordable").addEventListener("change", again);
  byId("mall-search").addEventListener("submit", (event) => { event.preventDefault(); again(); });
  byId("mall-proof").addEventListener("submit", (event) => event.preventDefault());
  byId("panel-rewards").addEventListener("close", () => { byId("mall-text").value = ""; byId("mall-done").hidden = true; byId("mall-proof").reset(); });
  byId("code-form").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(event.target, async () => {
      const said = await post(urls.till_use_code, { code: byId("code-text").value });
      event.target.reset();
      byId("panel-code").close();
      toast("success", `${said.name} 已核销，单号 ${said.number}。`);
    });
  });
}

// A card that was read while the panel is open shows its holder to be there; so does a letter typed
// while an older answer is on its way: the last one asked for is the one shown.
let looking = false;
let once = false;
export function again() {
  const panel = byId("panel-rewards");
  if (panel.open) look(panel);
  return panel.open;
}

async function look(panel) {
  if (looking) { once = true; return; }
  looking = true;
  do { once = false; await attempt(byId("mall-search"), () => showMall(panel)); } while (once && panel.open);
  looking = false;
}
