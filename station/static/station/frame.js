// What every page does by itself. No page needs it to be usable; each piece starts from an attribute.
(() => {
  "use strict";
  const WORDS = {
    0: "网络不通，这一步没有送到。请检查网络后再试一次。",
    403: "您没有做这件事的权限，或登录已过期。请重新登录或找站长。",
    404: "这条记录不在了，或不属于您的油站。请刷新页面。",
    409: "现在不能这样做：情况已经变化。请刷新页面后再看。",
    timeout: "等了 15 秒没有回音。请先看是否已经完成，再决定要不要重试。",
    other: "系统出错，这一步没有完成。请再试一次；仍不行请把时间告诉站长。",
  };

  function toast(level, text) {
    const box = document.getElementById("toasts");
    if (!box || !text) return;
    const note = document.createElement("div");
    note.className = `notice notice-${level}`;
    const words = document.createElement("p");
    words.textContent = text;
    const close = document.createElement("button");
    close.type = "button";
    close.setAttribute("aria-label", "关闭提示");
    close.textContent = "×";
    close.addEventListener("click", () => note.remove());
    note.append(words, close);
    box.append(note);
    // Refusals stay until they are read; good news goes by itself.
    if (level === "success" || level === "info") setTimeout(() => note.remove(), 6000);
  }

  function announce(text) {
    const box = document.getElementById("announcer");
    if (box) box.textContent = text;
  }

  function focusTrouble(root) {
    const wrong = root.querySelector("[data-focus], .is-invalid, [aria-invalid=true]");
    if (wrong) wrong.focus();
  }

  // A question asked once, in plain words, in place of the browser's own English box.
  function ask(question) {
    return new Promise((resolve) => {
      const dialog = document.createElement("dialog");
      dialog.className = "confirm";
      const words = document.createElement("p");
      words.id = "confirm-words";
      words.textContent = question;
      dialog.setAttribute("aria-labelledby", words.id);
      const row = document.createElement("div");
      const no = document.createElement("button");
      no.type = "button";
      no.className = "btn";
      no.textContent = "先不做";
      const yes = document.createElement("button");
      yes.type = "button";
      yes.className = "btn btn-danger";
      yes.textContent = "确定";
      no.addEventListener("click", () => dialog.close(""));
      yes.addEventListener("click", () => dialog.close("yes"));
      row.append(no, yes);
      dialog.append(words, row);
      dialog.addEventListener("close", () => {
        dialog.remove();
        resolve(dialog.returnValue === "yes");
      });
      document.body.append(dialog);
      dialog.showModal();
      no.focus();
    });
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.dataset.confirm && !form.dataset.confirmed) {
      event.preventDefault();
      event.stopPropagation();
      const submitter = event.submitter;
      if (await ask(form.dataset.confirm)) {
        form.dataset.confirmed = "yes";
        form.requestSubmit(submitter);
        delete form.dataset.confirmed;
      }
      return;
    }
    if ("once" in form.dataset) {
      if (form.classList.contains("sending")) {
        event.preventDefault();
        event.stopPropagation();
        return;
      }
      form.classList.add("sending");
    }
  }, true);
  addEventListener("pageshow", () => {
    document.querySelectorAll("form.sending").forEach((form) => form.classList.remove("sending"));
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
    document.querySelectorAll("details[data-light-dismiss][open]").forEach((open) => {
      if (!open.contains(event.target)) open.open = false;
    });
    const row = event.target.closest("tr[data-href]");
    if (!row || event.target.closest("a, button, input, label, select, summary")) return;
    if (String(getSelection())) return;
    if (event.ctrlKey || event.metaKey) open(row.dataset.href);
    else location.assign(row.dataset.href);
  });

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      document.querySelectorAll("details[data-light-dismiss][open]").forEach((open) => {
        open.open = false;
        open.querySelector("summary").focus();
      });
    }
    const typing = event.target.closest("input, textarea, select, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
    const wanted = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === event.key);
    if (!wanted) return;
    event.preventDefault();
    if (wanted.matches("input, select, textarea")) wanted.focus();
    else wanted.click();
  });

  document.addEventListener("toast", (event) => toast(event.detail.level || "info", event.detail.text));
  document.addEventListener("announce", (event) => announce(event.detail.text || event.detail.value));
  document.addEventListener("htmx:beforeRequest", (event) => {
    // A refresh that runs by itself must not pile up while the page is hidden.
    if (document.hidden && event.detail.requestConfig?.triggeringEvent === undefined && event.detail.elt.matches("[data-quiet]")) event.preventDefault();
  });
  document.addEventListener("htmx:responseError", (event) => {
    const answer = event.detail.xhr;
    // Signed out or locked: the answer itself leads to the page where that is put right.
    if (answer.status === 401 || answer.status === 423) return;
    if (answer.status === 423 || answer.getResponseHeader("HX-Redirect")) return; // lock.js, or a way elsewhere
    const plain = (answer.getResponseHeader("Content-Type") || "").startsWith("text/plain");
    toast("error", plain ? answer.responseText : WORDS[answer.status] || WORDS.other);
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (!event.detail.elt.matches("[data-quiet]")) toast("error", WORDS[0]);
  });
  document.addEventListener("htmx:timeout", (event) => {
    if (!event.detail.elt.matches("[data-quiet]")) toast("error", WORDS.timeout);
  });
  document.addEventListener("htmx:afterRequest", () => {
    document.querySelectorAll("form.sending").forEach((form) => form.classList.remove("sending"));
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    // What was swapped as a whole is no longer in the page: then look from the top.
    const place = event.detail.target;
    if (event.detail.xhr?.status === 422) focusTrouble(place.isConnected ? place : document);
  });
  // A table that scrolls sideways must be reachable by the keyboard.
  function reachTables() {
    document.querySelectorAll(".sheet-scroll:not([tabindex]), .table-responsive:not([tabindex])").forEach((box) => {
      box.tabIndex = 0;
      box.setAttribute("role", "region");
      box.setAttribute("aria-label", box.querySelector("caption")?.textContent.trim() || "表格");
    });
  }
  // A section with many pages scrolls sideways: the page where one is stands in sight.
  function showPage() {
    const here = document.querySelector(".subnav [aria-current]");
    const strip = here?.parentElement;
    if (strip) strip.scrollLeft = here.offsetLeft - strip.offsetLeft - (strip.clientWidth - here.offsetWidth) / 2;
  }
  document.addEventListener("htmx:afterSettle", reachTables);
  document.addEventListener("DOMContentLoaded", () => {
    // On a phone the answer comes before the questions, unless some were asked.
    if (innerWidth < 768) document.querySelectorAll("details[data-fold]").forEach((box) => { box.open = false; });
    // Of a long row of pages the one that is open must be seen.
    const here = document.querySelector(".subnav [aria-current]");
    if (here) here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.offsetLeft - (here.parentElement.clientWidth - here.offsetWidth) / 2;
    reachTables();
    showPage();
    focusTrouble(document);
  });
})();
