// 断网: sales of leased fills and of goods go to the till's own store, and up when the server is back.
// Each batch is signed by a key that never leaves this browser; the server takes each sale once.

import * as store from "./store.js";
import { Away } from "./server.js";

const CURVE = { name: "ECDSA", namedCurve: "P-256" };
const BATCH = 50;

const base64 = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)));

export const secure = () => window.isSecureContext && Boolean(crypto.subtle) && Boolean(window.indexedDB);

export async function makeKey(till) {
  const pair = await crypto.subtle.generateKey(CURVE, false, ["sign", "verify"]);
  const point = await crypto.subtle.exportKey("raw", pair.publicKey);
  return { pair, point: base64(point), save: () => store.keep(`key:${till}`, pair) };
}

export const hasKey = async (till) => Boolean(await store.kept(`key:${till}`));

async function sign(till, bytes) {
  const pair = await store.kept(`key:${till}`);
  if (!pair) return "";
  return base64(await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, pair.privateKey, bytes));
}

async function nextNumber(till, day) {
  const name = `serial:${till}:${day}`;
  const serial = ((await store.kept(name)) || 0) + 1;
  await store.keep(name, serial);
  return `断${till}-${day.replaceAll("-", "")}-${String(serial).padStart(4, "0")}`;
}

export async function record(setup, ticket) {
  const known = await store.sale(ticket.key);
  if (known) return known;
  const sale = {
    ...ticket,
    number: await nextNumber(setup.till.number, setup.day),
    at: new Date().toISOString(),
    session: setup.session,
    cashier: setup.cashier.id,
    till: setup.till.id,
  };
  await store.addSale(sale);
  return sale;
}

export async function fillsSold() {
  const all = window.indexedDB ? await store.sales() : [];
  return new Set(all.flatMap((sale) => sale.lines.map((line) => line.fill)).filter(Boolean));
}

export const waiting = () => store.saleCount();

// Send what waits; how many the server has taken. Its own till signs each sale.
export async function upload(url, till) {
  const all = (await store.sales()).filter((one) => one.till === till);
  let done = 0;
  for (let first = 0; first < all.length; first += BATCH) {
    const bytes = new TextEncoder().encode(JSON.stringify({ sales: all.slice(first, first + BATCH) }));
    const signature = await sign(till, bytes);
    let answer;
    try {
      answer = await fetch(url, { method: "POST", body: bytes, headers: { "Content-Type": "application/json", "X-Till-Signature": signature }, signal: AbortSignal.timeout(60000) });
    } catch (error) {
      throw new Away(String(error));
    }
    if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error || `补传被拒（${answer.status}）`);
    for (const one of (await answer.json()).taken) {
      await store.dropSale(one.key);
      done += 1;
    }
  }
  return done;
}
