// Members at the till: found by one field, joined in half a minute, asked once a year.

import { at, attempt, button, fetched, nothing, openPanel, row } from "./panels.js";
import { spend } from "./points.js";
import { byId, make, refuse, setup, state, toast, urls } from "./screen.js";
import { Away, Refused, post } from "./server.js";
import { changed, showMember } from "./ticket.js";

// ---------------------------------------------------------------- finding
// A card that was read names one person: he is on the ticket at once.
export async function findMember(read = false) {
  const sought = byId("member-text").value.trim();
  const { members, words } = await fetched(`${urls.till_members}?q=${encodeURIComponent(sought)}`);
  if (read && members.length === 1 && members[0].exact) { take(members[0]); return; }
  const list = byId("member-list");
  list.replaceChildren(...members.map((one) => row(
    `${one.name || "（未填姓名）"}　${one.phone}`,
    `${one.number}　${one.plates}　${one.status}`,
    button("选他", () => take(one), "btn-primary"),
  )));
  nothing(list, words || "没有找到。请核对手机、车牌、卡号或会员号，或登记新会员。");
  byId("member-join").hidden = Boolean(members.length) || Boolean(words);
  if (members.length) list.querySelector("button").focus();
  else if (!words) byId("member-join").focus();
}

// The car that stands here: read by the cashier, or what the member was found by.
function plateNow() {
  const said = byId("member-plate").value.trim() || byId("member-text").value.trim();
  return /^[\u4e00-\u9fff][A-Za-z][A-Za-z0-9·\s-]{5,8}/.test(said) ? said : "";
}

function take(one) {
  spend(0); // another's points and coupons
  state.basket.without = [];
  state.basket.member = one;
  state.basket.plate = plateNow();
  byId("panel-member").close();
  changed();
  showMember();
}

// The code that a member's phone shows: he stands here himself, and goes onto the ticket at once.
export const isMemberCode = (text) => /^HY[A-Z2-7]{28}$/i.test(text.trim());
export async function memberPresent(code) {
  const { key } = state.basket;
  try {
    const { member } = await post(urls.till_member_present, { code });
    if (!member || state.basket.key !== key) return; // the next customer's ticket by now
    if (state.basket.member?.id !== member.id) { take(member); return; }
    state.basket.member.status = member.status;
    showMember();
  } catch (error) {
    if (error instanceof Away) refuse("断网时读不了会员手机码。请按手机号记下，联网后再办。");
    else if (error instanceof Refused) refuse(error.message);
    else throw error;
  }
}

// ---------------------------------------------------------------- joining
function openJoin() {
  const sought = byId("member-text").value.trim();
  byId("panel-member").close();
  openPanel("join");
  byId("join-form").reset();
  byId("join-guardian").hidden = true;
  const digits = sought.replace(/[\s-]/g, "");
  if (/^(\+86)?1\d{10}$/.test(digits)) byId("join-phone").value = digits;
  else if (/^[\u4e00-\u9fff][A-Za-z]/.test(sought)) byId("join-plate").value = sought;
  (byId("join-phone").value ? byId("join-plate") : byId("join-phone")).focus();
}

async function join(panel, form) {
  const { member, words } = await post(urls.till_join, Object.fromEntries(new FormData(form)));
  form.reset();
  panel.close();
  toast("success", words);
  take(member);
}

// A child joins with a guardian: the fields come when the birthday says so.
function askGuardian() {
  const born = new Date(byId("join-birthday").value);
  const limit = new Date();
  limit.setFullYear(limit.getFullYear() - setup.guardian_age);
  byId("join-guardian").hidden = !(born > limit);
}

// ---------------------------------------------------------------- what the till says of him
export function memberWords(member) {
  const said = [];
  if (member.words) said.push(make("p", { className: "notice notice-error" }, member.words));
  if (member.ask) {
    const answer = async (word) => {
      const { words } = await post(at(urls.till_confirm, member.id), { answer: word });
      member.ask = false;
      toast("success", words);
      showMember();
    };
    const box = make("div", { className: "member-ask" }, make("p", {}, `资料很久没核对了。请问：手机还是 ${member.phone}，车牌还是 ${member.plates || "（未登记）"} 吗？`));
    box.append(button("没变", () => attempt(box, () => answer("yes"))), button("有变／不问了", () => attempt(box, () => answer("later"))), make("p", { className: "notice notice-error", hidden: true }));
    said.push(box);
  }
  return said;
}

export function startMembers(on) {
  byId("member-join").addEventListener("click", openJoin);
  byId("join-birthday").addEventListener("change", askGuardian);
  on("join-form", async (panel, form) => {
    if (!byId("join-policy").checked) throw new Refused("没有登记：请顾客看过隐私政策并同意，再打勾。");
    await join(panel, form);
  });
}
