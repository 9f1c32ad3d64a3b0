// A scanner or card reader that types like a keyboard is faster than any hand: six characters and
// more, each within 60 ms, ended by Enter or Tab. What it typed is taken out of the page again.

const FAST = 60; // ms between characters
const SHORTEST = 6;

// As devices/protocols/scanner.py has it: money in the hand of whoever reads it.
export const isPaymentCode = (code) => /^(1[0-5]\d{16}|(2[5-9]|30)\d{14,22}|62\d{17}|YV\d{34})$/.test(code);

// `found(code, whole)` gets the code, and what the field holds: a busy browser may have torn the code
// in two. It returns false to leave the code where it was typed, "whole" where it took the whole field.
export function watch(found) {
  let text = "";
  let last = 0;
  let field = null;
  let before = "";
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const gap = event.timeStamp - last;
    last = event.timeStamp;
    if ((event.key === "Enter" || event.key === "Tab") && text.length >= SHORTEST && gap < FAST) {
      const code = text;
      text = "";
      const whole = field && "value" in field ? field.value.trim() : "";
      const took = found(code, whole, field);
      if (took === false) return;
      event.preventDefault();
      event.stopPropagation();
      if (took === "whole") field.value = "";
      else if (whole.endsWith(code)) field.value = before;
      return;
    }
    if (event.key === "Enter" || event.key === "Tab") text = ""; // a hand ended its word
    if (event.key.length !== 1) return;
    if (gap > FAST || !text) {
      text = "";
      field = event.target;
      before = field && "value" in field ? field.value : "";
    }
    text += event.key;
  }, true);
}
