// 储值 at the till: the balance on the member's tile, topping up, and paying by it. A PIN is kept in
// memory until its ticket was sent, and nowhere else.

import { sums } from "./basket.js";
import { fen, shown, text } from "./money.js";
import { attempt, fetched, openPanel } from "./panels.js";
import { forbids } from "./offers.js";
import { settle } from "./paying.js";
import { byId, make, refuse, setup, state, troubled, urls } from "./screen.js";
import { Refused, post } from "./server.js";
import { changed, showMember } from "./ticket.js";

const secrets = new Map(); // by account number
let paying = null; // the tender and the account of the payment that is being made
let topping = null; // whom the open panel tops up

const valueTender = () => setup.tenders.find((one) => one.value);
const lookUp = (query) => fetched(`${urls.till_value}?${new URLSearchParams(query)}`);
const isValue = (one) => setup.tenders.find((tender) => tender.code === one.tender)?.value;

// ---------------------------------------------------------------- the member's tile
// The balance comes a moment after the member: nobody waits for it. It is asked for once per member.
let tile = null; // the words, and whose they are

export function valueWords(member) {
  if (!member) tile = null;
  if (!member || !valueTender()) return "";
  if (tile?.member !== member.id) {
    tile = { member: member.id, words: make("span", { className: "member-value" }) };
    balanceOn(tile.words, member);
  }
  return tile.words;
}

async function balanceOn(words, member) {
  if (state.away) { words.textContent = "　断网，储值看不到"; return; }
  try {
    const { account } = await lookUp({ member: member.id });
    words.textContent = account ? `　储值 ${shown(fen(account.balance))}${account.state}` : "　没有储值";
  } catch { words.textContent = "　储值没有取到"; }
}

// ---------------------------------------------------------------- topping up
export async function fillTopUp(panel, order) {
  const { member } = state.basket;
  if (order) {
    byId("topup-who").value = order;
    choose(null, []);
    await findForTopUp({ text: order });
    return;
  }
  byId("topup-who").value = member ? member.number : "";
  choose(null, []);
  if (member) await findForTopUp({ member: member.id });
}

async function findForTopUp(query) {
  const { account, member, plans, order } = await lookUp(query);
  choose({ account, member, order, card: query.text || "" }, plans);
}

function choose(whom, plans) {
  topping = whom;
  const form = byId("panel-topup").querySelector("form");
  form.elements.member.value = whom?.member?.id || "";
  form.elements.card.value = whom && !whom.member ? whom.account?.number || whom.card : "";
  form.elements.plan.value = "";
  byId("topup-rule").textContent = whom?.order?.rule || "";
  const { account, member, order } = whom || {};
  // What was ordered at a kiosk is paid as it was ordered.
  byId("topup-amount").readOnly = Boolean(order);
  byId("topup-amount").value = order?.amount || "";
  let words = "先查找会员或刷卡。";
  if (member) words = `${member.name}　${member.phone}　${account ? `储值 ${shown(fen(account.balance))}（本金 ${account.principal}，赠金 ${account.bonus}）` : "第一次充值，自动开户"}`;
  else if (account) words = `${account.kind}卡 ${account.number}　余额 ${shown(fen(account.balance))}　有效期至 ${account.until}${account.state ? `　${account.state}` : ""}`;
  else if (whom) words = `没有这张卡，充值时按不记名卡开卡：${whom.card}`;
  if (order) words = `自助充值单 ${order.number}　${order.plan}　${words}`;
  byId("topup-facts").textContent = words;
  byId("topup-plans").replaceChildren(...plans.map((plan) => {
    const button = make("button", { type: "button", className: "btn", textContent: plan.name });
    button.addEventListener("click", () => {
      form.elements.plan.value = plan.id;
      byId("topup-amount").value = plan.amount;
      byId("topup-rule").textContent = plan.rule;
    });
    return button;
  }));
}

export async function topUp(data) {
  if (!topping) throw new Refused("没有充值：请先查找会员，或刷卡、输卡号。");
  const { order } = topping;
  const done = order ? await post(urls.till_kiosk_order, { number: order.number, tender: data.tender, reference: data.reference }) : await post(urls.till_topup, data);
  const box = byId("done");
  box.replaceChildren(make("strong", { textContent: `已充 ${shown(fen(done.amount))}` }), make("span", { textContent: ` ${done.number}　余额 ${shown(fen(done.balance))}` }));
  box.hidden = false;
  tile = null;
  showMember();
}

// ---------------------------------------------------------------- paying
// The tender button was pressed: who pays, how much, and his PIN.
export async function payByValue(tender, amount) {
  if (state.away) { refuse("断网时不能用会员储值：余额核不到。请换现金等方式，或等网络恢复。"); return; }
  paying = { tender, amount, account: null };
  openPanel("value");
  const { member } = state.basket;
  byId("value-who").value = "";
  byId("value-amount").value = text(amount);
  byId("value-pin").value = "";
  byId("value-facts").textContent = member ? "" : "请刷卡或输卡号；会员请先按 F7 选会员。";
  if (member) await attempt(byId("value-form"), () => showPayer({ member: member.id }));
}

async function showPayer(query) {
  const { account } = await lookUp(query);
  paying.account = account;
  if (!account) throw new Refused("没有储值账户。请先充值，或核对卡号。");
  byId("value-who").value = account.number;
  byId("value-facts").textContent = `余额 ${shown(fen(account.balance))}${account.until ? `　有效期至 ${account.until}` : ""}　${account.state || (account.pin ? "须输支付密码" : "")}`;
  byId("value-amount").value = text(Math.min(paying.amount, fen(account.balance)));
  if (account.pin) byId("value-pin").focus();
}

async function confirm(panel) {
  const number = byId("value-who").value.trim().toUpperCase();
  if (!number) throw new Refused("请刷卡或输卡号。");
  if (paying.account?.number !== number) { await showPayer({ text: number }); return; }
  const amount = fen(byId("value-amount").value.trim());
  const left = Math.max(0, sums(state.basket, setup).missing);
  if (amount === null || amount <= 0) throw new Refused("金额不对，请改正。");
  if (amount > left) throw new Refused(`不能多付，最多 ${text(left)} 元。`);
  if (amount > fen(paying.account.balance)) throw new Refused(`余额不够，最多 ${paying.account.balance} 元，其余换一种方式。`);
  const pin = byId("value-pin").value;
  if (paying.account.pin && !pin) throw new Refused("请顾客输入支付密码。");
  if (pin) secrets.set(paying.account.number, pin);
  byId("value-pin").value = "";
  state.basket.tenders.push({ tender: paying.tender.code, name: `${paying.tender.name} ${paying.account.number.slice(-4)}`, amount, reference: paying.account.number });
  panel.close();
  changed();
  if (sums(state.basket, setup).missing <= 0) settle();
}

// 自助充值单: the number on the slip of a kiosk.
export const isKioskOrder = (code) => /^ZC[0-9A-Z]{1,6}-\d+-\d{8}-\d{4,}$/i.test(code);

// 付款码: scanned from the customer's screen; it proves him, so that no PIN is asked for.
export const isPayCode = (code) => /^YV\d{34}$/.test(code);

export async function payByCode(code) {
  const tender = valueTender();
  if (!tender) { refuse("没有启用会员储值。请在“付款方式”里新建类别“会员储值”的一行。"); return; }
  if (state.away) { refuse("断网时不能用会员储值。请换一种方式，或等网络恢复。"); return; }
  const left = Math.max(0, sums(state.basket, setup).missing);
  if (!state.basket.lines.length || !left) { refuse("单上没有要收的钱，付款码没有用。"); return; }
  if (forbids(tender)) { refuse(forbids(tender)); return; }
  try {
    const asked = new FormData();
    asked.append("text", code); // a code that pays stands in no address
    const { account } = await post(urls.till_value, asked);
    const amount = Math.min(left, fen(account.balance));
    if (!amount) { refuse(`储值账户 ${account.number} 没有余额。`); return; }
    state.basket.tenders.push({ tender: tender.code, name: `${tender.name} ${account.number.slice(-4)}`, amount, reference: code });
  } catch (error) { troubled(error); return; }
  changed();
  if (sums(state.basket, setup).missing <= 0) settle();
}

// What goes along with a ticket that stored value pays; nothing for any other.
export function secretsOf(ticket) {
  const numbers = ticket.tenders.filter(isValue).map((one) => one.reference);
  return numbers.length ? { secrets: Object.fromEntries(numbers.filter((one) => secrets.has(one)).map((one) => [one, secrets.get(one)])) } : {};
}

export const usesValue = (basket) => basket.tenders.some(isValue);

// A payment by stored value that was refused is made anew, with the PIN typed again.
export function takeOffValue(basket) {
  secrets.clear();
  basket.tenders = basket.tenders.filter((one) => !isValue(one));
}

export const forgetSecrets = () => secrets.clear();

export function startValue() {
  byId("topup-find").addEventListener("click", () => attempt(byId("panel-topup").querySelector("form"), () => findForTopUp({ text: byId("topup-who").value })));
  byId("topup-amount").addEventListener("input", () => { byId("panel-topup").querySelector("form").elements.plan.value = ""; byId("topup-rule").textContent = ""; });
  byId("value-form").addEventListener("submit", (event) => { event.preventDefault(); attempt(byId("value-form"), () => confirm(byId("panel-value"))); });
  byId("panel-value").addEventListener("close", () => { byId("value-pin").value = ""; });
  if (!valueTender()) document.querySelectorAll("[data-open=topup]").forEach((one) => { one.hidden = true; });
}
