// Pages of the staff other than the till: what a typing reader reads is recorded once, said in words,
// and opens what it means. A field that somebody has put the cursor into keeps what is typed there,
// but for a payment code, which no field, address or history may hold.

import { isPaymentCode, watch } from "./wedge.js";

const { reads } = document.querySelector("script[data-reads]").dataset;
const token = () => JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRFToken"] || "";
const tell = (level, text) => document.dispatchEvent(new CustomEvent("toast", { detail: { level, text } }));
const isField = (one) => one?.matches?.("input:not([type=checkbox]):not([type=radio]), textarea, [contenteditable]");

async function send(text) {
  try {
    const answer = await fetch(reads, {
      method: "POST",
      headers: { "X-CSRFToken": token(), Accept: "application/json" },
      body: new URLSearchParams({ text, key: crypto.randomUUID?.() || `${Date.now()}-${Math.random()}`.replace(".", "-") }),
    });
    const said = await answer.json();
    if (!answer.ok) tell("error", said.error || "没有读到，请再刷一次。");
    else if (said.again) return;
    else if (said.open) location.assign(said.open);
    else tell(said.outcome === "KNOWN" ? "info" : "warning", said.secret ? "读到付款码，请在收银台收款；这里没有保存。" : said.words);
  } catch { tell("error", "网络不通，这次刷卡没有送到，请再刷一次。"); }
}

watch((code, _whole, field) => {
  if (isField(field) && !isPaymentCode(code)) return false;
  if (!document.querySelector("dialog[open]")) send(code); // else its Enter presses no button
  return true;
});
