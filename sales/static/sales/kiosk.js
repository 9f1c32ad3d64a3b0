// The kiosk: a number pad, a scanner that types, sixty seconds of patience, and nothing kept of anybody.
(() => {
  "use strict";
  const PATIENCE = 60; // seconds
  const NEAR = 15;
  const STAY = 20; // seconds between two words to the server that somebody is still there
  const TYPED = /^HY[A-Z2-7]{28}$/;
  const box = document.getElementById("kiosk");
  const idle = document.getElementById("k-idle");
  const left = document.getElementById("k-left");
  const end = document.getElementById("k-end");
  const away = document.getElementById("k-away");
  const urls = box.dataset;
  const token = () => JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
  const screen = () => box.querySelector("[data-screen]")?.dataset.screen || "start";
  const isStart = () => screen() === "start";
  let touchedAt = performance.now();
  let saidAt = performance.now();
  let ending = false;

  const say = (address, fields = {}) => fetch(address, { method: "POST", keepalive: true, headers: { "X-CSRFToken": token() }, body: new URLSearchParams(fields) });

  // ---------------------------------------------------------------- the end
  // First nothing is on the screen any more; then the server ends the visit; then the page is new.
  async function finish(why) {
    if (ending) return;
    ending = true;
    box.replaceChildren();
    idle.hidden = end.hidden = true;
    try { sessionStorage.clear(); localStorage.clear(); } catch { /* none was allowed */ }
    try { await say(urls.end, { why }); } catch { /* without network the visit runs out by itself */ }
    location.replace(urls.start);
  }
  end.addEventListener("click", () => finish("button"));
  // A page that comes back out of the history is loaded anew: the server says who stands there.
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.replace(urls.start); });
  window.addEventListener("pagehide", () => box.replaceChildren());

  function touched() {
    touchedAt = performance.now();
    if (isStart() || screen() === "phone" || performance.now() - saidAt < STAY * 1000) return;
    saidAt = performance.now();
    say(urls.stay).catch(() => {});
  }
  for (const kind of ["pointerdown", "wheel"]) document.addEventListener(kind, touched, { passive: true });

  function tick() {
    const start = isStart();
    idle.hidden = end.hidden = start || ending;
    if (start || ending) { touchedAt = performance.now(); return; }
    const rest = Math.ceil(PATIENCE - (performance.now() - touchedAt) / 1000);
    left.textContent = Math.max(rest, 0);
    idle.classList.toggle("near", rest <= NEAR);
    if (rest <= 0) finish("idle");
  }
  setInterval(tick, 500);

  // ---------------------------------------------------------------- the number pad
  box.addEventListener("click", (event) => {
    const key = event.target.closest("[data-digit], [data-wipe]");
    if (!key) return;
    const pad = key.closest("[data-for]");
    const field = document.getElementById(pad.dataset.for);
    if (key.dataset.wipe === "all") field.value = "";
    else if (key.dataset.wipe === "one") field.value = field.value.slice(0, -1);
    else if (field.value.length < Number(pad.dataset.most)) field.value += key.dataset.digit;
  });

  // ---------------------------------------------------------------- a scanner that types
  let typed = "";
  let typedAt = 0;
  document.addEventListener("keydown", (event) => {
    if (performance.now() - typedAt > 300) typed = "";
    typedAt = performance.now();
    if (event.key !== "Enter") { if (event.key.length === 1) typed += event.key.toUpperCase(); return; }
    const code = typed;
    typed = "";
    if (!TYPED.test(code)) return;
    event.preventDefault();
    touchedAt = performance.now();
    const reward = box.querySelector("[data-reward]")?.dataset.reward || "";
    window.htmx.ajax("POST", urls.scan, { target: "#kiosk", swap: "innerHTML", values: { code, reward } });
  });

  // ---------------------------------------------------------------- what htmx brings
  document.addEventListener("htmx:beforeRequest", (event) => {
    const form = event.target;
    if (form.dataset && "poll" in form.dataset) { if (ending) event.preventDefault(); return; }
    touchedAt = saidAt = performance.now();
    // A second tap is no second wish.
    if (form.querySelectorAll) form.querySelectorAll("button[type=submit]").forEach((one) => { one.disabled = true; });
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.target;
    if (form.isConnected && form.querySelectorAll && !event.detail.successful) form.querySelectorAll("button[type=submit]").forEach((one) => { one.disabled = false; });
  });
  document.addEventListener("htmx:afterSwap", () => {
    if (ending) { box.replaceChildren(); return; }
    tick();
    box.querySelector("h1")?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  });

  // ---------------------------------------------------------------- the network
  const lost = (is) => { away.hidden = !is; };
  document.addEventListener("htmx:sendError", () => lost(true));
  document.addEventListener("htmx:timeout", () => lost(true));
  window.addEventListener("offline", () => lost(true));
  async function look() {
    try { const answer = await fetch(urls.ping, { cache: "no-store" }); lost(!answer.ok); } catch { lost(true); }
  }
  window.addEventListener("online", look);
  setInterval(look, 10000);
  document.addEventListener("contextmenu", (event) => event.preventDefault());
})();
