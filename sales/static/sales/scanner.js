// A scanner that types like a keyboard is faster than any hand: whole codes are caught from any field.

const FAST = 60; // ms between characters
const SHORTEST = 6;

export function watch(found) {
  let text = "";
  let last = 0;
  let field = null;
  let before = "";
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const gap = event.timeStamp - last;
    last = event.timeStamp;
    if (event.key === "Enter" && text.length >= SHORTEST && gap < FAST) {
      event.preventDefault();
      event.stopPropagation();
      const code = text;
      const whole = field && "value" in field ? field.value.trim() : "";
      // What the scanner typed into a field is taken out of it again.
      if (whole.endsWith(code)) field.value = before;
      text = "";
      // A busy browser may have torn the code in two: then the field holds the whole of it.
      if (found(code) === false && whole !== code && found(whole) !== false) field.value = "";
      return;
    }
    if (event.key.length !== 1) return;
    if (gap > FAST) {
      text = "";
      field = event.target;
      before = field && "value" in field ? field.value : "";
    }
    text += event.key;
  }, true);
}
