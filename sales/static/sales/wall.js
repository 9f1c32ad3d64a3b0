/* The pump wall: asks more than once a second for what changed, counts ages, sounds a lifted nozzle. */
(() => {
  "use strict";
  const poll = document.getElementById("wall-poll");
  if (!poll) return;
  const clock = document.getElementById("wall-clock");
  const news = document.getElementById("board-news");
  const dialog = document.getElementById("nozzle-dialog");
  const sound = document.getElementById("wall-sound");
  let etag = poll.dataset.etag;
  let heard = Date.now();
  let before = new Map();
  let focused = "";

  const tiles = () => [...document.querySelectorAll(".tile[data-digest]")];
  const remember = () => {
    before = new Map(tiles().map((tile) => [tile.id, { state: tile.dataset.state, owed: Number(tile.dataset.owed) }]));
  };

  /* ------------------------------------------------------------- the poll */
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.elt !== poll) return;
    event.detail.headers["If-None-Match"] = etag;
    event.detail.headers["Wall-Head"] = document.getElementById("wall-head").dataset.digest;
    event.detail.headers["Wall-Tiles"] = tiles().map((tile) => `${tile.id.slice(5)}:${tile.dataset.digest}`).join(",");
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.elt !== poll) return;
    remember();
    focused = document.activeElement ? document.activeElement.id : "";
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt !== poll) return;
    const answer = event.detail.xhr;
    if (answer.status !== 200 && answer.status !== 304) return;
    heard = Date.now();
    etag = answer.getResponseHeader("ETag") || etag;
    if (answer.status === 200) whatIsNew();
    if (focused && (!document.activeElement || document.activeElement === document.body)) {
      const again = document.getElementById(focused);
      if (again) again.focus({ preventScroll: true });
    }
    tick();
  });

  function whatIsNew() {
    const said = [];
    let lifted = false;
    for (const tile of tiles()) {
      const was = before.get(tile.id);
      if (!was) continue;
      const { state, word, nozzle } = tile.dataset;
      if (was.state !== state && state === "CALLING") lifted = true;
      if (was.state !== state && ["CALLING", "OFFLINE", "STOPPED", "SUSPENDED"].includes(state)) said.push(`${nozzle} 号枪${word}`);
      if (Number(tile.dataset.owed) > was.owed) said.push(`${nozzle} 号枪待付款`);
    }
    if (said.length) news.textContent = said.join("，");
    if (lifted) ring();
  }

  /* ------------------------------------------------------------- the ages */
  const two = (number) => String(number).padStart(2, "0");
  function age(seconds) {
    if (seconds < 60) return `${Math.max(seconds, 0)} 秒`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} 分`;
    if (seconds < 86400) return `${Math.floor(seconds / 3600)} 时 ${Math.floor((seconds % 3600) / 60)} 分`;
    return `${Math.floor(seconds / 86400)} 天`;
  }
  function tick() {
    const now = Date.now();
    document.querySelectorAll("time[data-since]").forEach((one) => {
      const text = age(Math.floor((now - Date.parse(one.dataset.since)) / 1000));
      if (one.textContent !== text) one.textContent = text;
    });
    const quiet = Math.floor((now - heard) / 1000);
    const at = new Date(heard);
    clock.textContent = quiet < 5
      ? `实时 · ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
      : `与服务器失去联系 ${age(quiet)}，显示的是当时的状态`;
    clock.classList.toggle("tone-bad", quiet >= 5);
  }
  setInterval(tick, 1000);

  /* ------------------------------------------------------------ the sound */
  let audio = null;
  let loud = localStorage.getItem("wall-sound") !== "off";
  function showSound() {
    sound.setAttribute("aria-pressed", String(loud));
    sound.querySelector("span").textContent = loud ? "提枪声音：开" : "提枪声音：关";
  }
  function wakeAudio() {
    if (!audio && window.AudioContext) audio = new AudioContext();
    if (audio && audio.state === "suspended") audio.resume();
  }
  function ring() {
    if (!loud) return;
    wakeAudio();
    if (!audio || audio.state !== "running") return;
    for (const [start, pitch] of [[0, 880], [0.18, 1175]]) {
      const tone = audio.createOscillator();
      const level = audio.createGain();
      tone.frequency.value = pitch;
      level.gain.setValueAtTime(0.0001, audio.currentTime + start);
      level.gain.exponentialRampToValueAtTime(0.25, audio.currentTime + start + 0.02);
      level.gain.exponentialRampToValueAtTime(0.0001, audio.currentTime + start + 0.16);
      tone.connect(level).connect(audio.destination);
      tone.start(audio.currentTime + start);
      tone.stop(audio.currentTime + start + 0.17);
    }
  }
  sound.addEventListener("click", () => {
    loud = !loud;
    localStorage.setItem("wall-sound", loud ? "on" : "off");
    showSound();
    ring();
  });
  // A browser lets a page sound only after somebody touched it.
  addEventListener("pointerdown", wakeAudio, { once: true });
  addEventListener("keydown", wakeAudio, { once: true });

  /* ----------------------------------------------------------- the dialog */
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "nozzle-panel") return;
    if (!dialog.open) dialog.showModal();
  });
  document.addEventListener("wall:done", () => { if (dialog.open) dialog.close(); });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) { dialog.close(); return; }
    const figure = dialog.querySelector("[name=figure]");
    const kind = (value) => { const radio = dialog.querySelector(`[name=kind][value=${value}]`); if (radio) radio.checked = true; };
    const pad = event.target.closest("[data-pad]");
    const quick = event.target.closest("[data-preset]");
    if (quick) { figure.value = quick.dataset.preset; kind("yuan"); }
    if (pad) {
      const key = pad.dataset.pad;
      figure.value = key === "⌫" ? figure.value.slice(0, -1) : figure.value + key;
      if (dialog.querySelector("[name=kind][value=full]").checked) kind("yuan");
    }
  });
  dialog.addEventListener("input", (event) => {
    if (event.target.name !== "figure" || !event.target.value) return;
    const full = dialog.querySelector("[name=kind][value=full]");
    if (full.checked) dialog.querySelector("[name=kind][value=yuan]").checked = true;
  });

  remember();
  showSound();
  tick();
})();
