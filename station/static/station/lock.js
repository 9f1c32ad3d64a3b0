// Locks a screen that nobody touches, over the page, so that nothing on it is lost.
// The server holds the lock; this says when, and asks for the PIN.
(() => {
  "use strict";
  const screen = document.getElementById("lock-screen");
  if (!screen) return;
  const form = screen.querySelector("form");
  const words = screen.querySelector("[data-words]");
  const limit = Number(screen.dataset.minutes) * 60;
  const KEY = "last-touch"; // shared by the tabs of one browser
  let locked = false;

  const seconds = () => Math.floor(Date.now() / 1000);
  const touched = () => {
    if (!locked) localStorage.setItem(KEY, String(seconds()));
  };
  const idle = () => Math.max(0, seconds() - Number(localStorage.getItem(KEY) || seconds()));
  const post = (url, body) => fetch(url, {
    method: "POST", body, credentials: "same-origin", headers: {Accept: "application/json"},
  });

  function show() {
    if (locked) return;
    locked = true;
    screen.showModal();
    form.secret.focus();
  }

  function hide() {
    locked = false;
    touched();
    form.reset();
    words.textContent = "";
    screen.close();
    document.dispatchEvent(new Event("unlocked"));
  }

  async function check() {
    if (locked || !limit || idle() < limit) return;
    show();
    try {
      await post(screen.dataset.lock, new FormData(form));
    } catch {
      // Without the network the screen is locked all the same; the server locks by its own count.
    }
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    words.textContent = "";
    let answer;
    try {
      answer = await post(form.action, new FormData(form));
    } catch {
      words.textContent = "网络不通，暂时不能解锁；恢复后再输一次。";
      return;
    }
    if (answer.status === 204) hide();
    else if (answer.status === 422) {
      words.textContent = (await answer.json()).text;
      form.secret.value = "";
      form.secret.focus();
    } else location.reload();
  });
  // closedby="none" keeps Escape out; a browser that does not know it yet closes on the second
  // Escape whatever `cancel` is told, so the screen opens again at once.
  screen.addEventListener("cancel", (event) => event.preventDefault());
  screen.addEventListener("close", () => { if (locked) screen.showModal(); });
  document.addEventListener("locked", show); // also the answer 423 to a part of the page
  document.addEventListener("htmx:configRequest", (event) => {
    event.detail.headers["X-Idle-Seconds"] = String(idle());
  });
  for (const kind of ["pointerdown", "keydown", "wheel", "touchstart"]) {
    addEventListener(kind, touched, {passive: true, capture: true});
  }
  touched();
  setInterval(check, 5000);
})();
