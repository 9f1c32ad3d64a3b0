// Keeps the last pages of a member's phone for the time without network. What is his own is in a
// cache of its own, and goes when he signs out or is signed out.

const SHELL = "phone-shell-1";
const DATA = "phone-data-1";
const OFFLINE = "/m/offline/";
const KEPT = /^\/m\/(?:(?:purchases|prices|stations|inbox|me|points|coupons|mall|orders|value|tier)\/)?$/;

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(shell());
});
self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys()
      .then((names) => Promise.all(names.filter((name) => name.startsWith("phone-") && name !== SHELL && name !== DATA).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

// The page without network, and the files that it names.
async function shell() {
  const cache = await caches.open(SHELL);
  const answer = await fetch(OFFLINE);
  const files = [...(await answer.clone().text()).matchAll(/(?:href|src)="(\/static\/[^"]+)"/g)];
  await cache.put(OFFLINE, answer);
  await Promise.all([...new Set(files.map((one) => one[1]))].map((one) => cache.add(one).catch(() => {})));
}

// Raised whenever somebody signs in or out: a page that was asked for before belongs to who left.
let visit = 0;
function leave() {
  visit += 1;
  return caches.delete(DATA);
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== self.location.origin) return;
  if (url.pathname === "/m/sign-out/" || url.pathname === "/m/sign-in/") event.waitUntil(leave());
  if (request.method !== "GET") return;
  if (request.mode === "navigate") event.respondWith(page(request, url));
  else if (url.pathname.startsWith("/static/")) event.respondWith(file(request));
});

async function page(request, url) {
  const mine = visit;
  try {
    const answer = await fetch(request);
    if (answer.status >= 502) throw new Error(String(answer.status));
    if (answer.status === 200 && answer.type === "basic" && !url.search && KEPT.test(url.pathname)) await keep(request, answer.clone(), mine);
    return answer;
  } catch (error) {
    const own = await (await caches.open(DATA)).match(request, { ignoreVary: true, ignoreSearch: true });
    return own || (await caches.match(OFFLINE, { ignoreVary: true })) || Promise.reject(error);
  }
}

// The page says by itself of when it is, once it comes out of the cache.
async function keep(request, answer, mine) {
  const headers = new Headers(answer.headers);
  headers.delete("Content-Length");
  headers.delete("Content-Encoding");
  const words = (await answer.text()).replace("<body ", `<body data-kept="${new Date().toISOString()}" `);
  if (mine !== visit) return;
  await (await caches.open(DATA)).put(request, new Response(words, { status: 200, headers }));
  if (mine !== visit) await caches.delete(DATA);
}

async function file(request) {
  const cache = await caches.open(SHELL);
  try {
    const answer = await fetch(request);
    if (answer.ok) await cache.put(request, answer.clone());
    return answer;
  } catch (error) {
    const kept = await cache.match(request, { ignoreVary: true });
    if (kept) return kept;
    throw error;
  }
}
