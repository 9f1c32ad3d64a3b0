// The blind count adds up while it is typed. In jiao, so that no binary fraction shows.
(() => {
  "use strict";
  const fields = [...document.querySelectorAll("input[data-face]")];
  const total = document.getElementById("cash-total");
  const jiao = (field) => {
    const pieces = Number.parseInt(field.value, 10);
    return Number.isFinite(pieces) && pieces > 0
      ? pieces * Math.round(Number(field.dataset.face) * 10)
      : 0;
  };
  const yuan = (tenths) => (tenths / 10).toLocaleString("zh-CN", { minimumFractionDigits: 2 });
  const add = () => {
    let sum = 0;
    for (const field of fields) {
      const part = jiao(field);
      sum += part;
      field.parentElement.querySelector("output").textContent = yuan(part);
    }
    total.textContent = yuan(sum);
  };
  for (const field of fields) field.addEventListener("input", add);
  add();
})();
