// The member's phone: the worker, the word that there is no network, and the code's last seconds.
(() => {
  "use strict";
  const main = document.getElementById("main");
  const line = document.getElementById("offline");

  function say(words) {
    line.textContent = words;
    line.hidden = !words;
  }

  function away() {
    const { kept } = document.body.dataset;
    const when = kept ? new Date(kept).toLocaleString("zh-CN", { month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit" }) : "";
    say(when ? `没有网络：这是 ${when} 的数据，会员码要联网才能出示。` : "没有网络：下面是刚才的数据，会员码要联网才能出示。");
  }

  if (document.body.dataset.kept || !navigator.onLine) away();
  window.addEventListener("offline", away);
  window.addEventListener("online", () => { if (document.body.dataset.kept) location.reload(); else say(""); });

  if ("serviceWorker" in navigator) navigator.serviceWorker.register(main.dataset.worker).catch(() => {});
  // Whoever is signed out leaves nothing of his own behind.
  if ("forget" in main.dataset && "caches" in window) caches.delete("phone-data-1").catch(() => {});

  // A code is good for a minute: shown with what is left of it, and hidden when nothing is.
  let until = 0;
  function tick() {
    const box = document.querySelector(".my-code");
    if (!box) return;
    const left = Math.ceil((until - performance.now()) / 1000);
    box.classList.toggle("stale", left <= 0);
    box.querySelector(".my-code-left").textContent = left > 0 ? `${left} 秒内有效` : "已过期，联网后自动换新";
  }
  document.addEventListener("htmx:afterSwap", (event) => {
    const box = event.target.querySelector && event.target.querySelector(".my-code");
    if (!box) return;
    until = performance.now() + Number(box.dataset.seconds) * 1000;
    tick();
  });
  setInterval(tick, 1000);
  // A phone taken out of the pocket shows a code that is new.
  document.addEventListener("visibilitychange", () => {
    const place = document.getElementById("my-code");
    if (!document.hidden && place && window.htmx) window.htmx.trigger(place, "renew");
  });
})();
