// The attendant's phone: reads codes with the camera where the browser can; typing always works.
(() => {
  "use strict";
  if (!("BarcodeDetector" in window) || !window.isSecureContext || !navigator.mediaDevices?.getUserMedia) return;
  const detector = new window.BarcodeDetector({ formats: ["qr_code", "code_128"] });
  let stop = () => {};

  async function scan(field) {
    stop();
    const video = document.createElement("video");
    video.className = "hand-camera";
    video.playsInline = video.muted = true;
    let stream;
    try { stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } }); } catch { return; }
    let on = true;
    stop = () => { on = false; stream.getTracks().forEach((track) => track.stop()); video.remove(); };
    field.closest("form").append(video);
    video.srcObject = stream;
    await video.play();
    while (on) {
      if (!video.isConnected) { stop(); return; }
      const [found] = await detector.detect(video).catch(() => []);
      if (found) { field.value = found.rawValue; stop(); field.closest("form").requestSubmit(); return; }
      await new Promise((done) => { setTimeout(done, 200); });
    }
  }

  function offer(root) {
    for (const field of root.querySelectorAll("[data-scans]:not([data-camera])")) {
      field.dataset.camera = "1";
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn";
      button.textContent = "扫";
      button.setAttribute("aria-label", "用摄像头扫码");
      button.addEventListener("click", () => scan(field));
      field.after(button);
    }
  }
  offer(document);
  document.addEventListener("htmx:afterSwap", (event) => offer(event.target));
})();
