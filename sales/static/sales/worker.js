// Keeps the till's page and its files for the time when the server is away. Data is never kept here:
// sales are in the till's own store.

const CACHE = "till-3";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys().then((names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)))).then(() => self.clients.claim()),
  );
});

const isPage = (request, url) => request.mode === "navigate" && /\/sales\/till\/$/.test(url.pathname);

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== self.location.origin) return;
  if (!isPage(request, url) && !url.pathname.startsWith("/static/")) return;
  event.respondWith(freshElseKept(request));
});

async function freshElseKept(request) {
  const cache = await caches.open(CACHE);
  try {
    const answer = await fetch(request);
    if (answer.status >= 502) throw new Error(String(answer.status));
    // A redirect to the sign-in page is no till: only the page itself is kept.
    if (answer.ok && !answer.redirected) await cache.put(request, answer.clone());
    return answer;
  } catch (error) {
    const kept = await cache.match(request, { ignoreVary: true });
    if (kept) return kept;
    throw error;
  }
}
