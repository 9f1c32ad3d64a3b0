// Draws every [data-chart] figure from the numbers beside it: bar, line, pie, or the table of the same numbers.
(() => {
  "use strict";
  const css = (name) => {
    // light-dark() is resolved only on a real property, so read it through one.
    const probe = document.createElement("i");
    probe.style.color = `var(${name})`;
    document.body.append(probe);
    const colour = getComputedStyle(probe).color;
    probe.remove();
    return colour;
  };
  const PLACES = { yuan: 2, price: 2, litres: 2, permille: 2, gain_loss: 2, loss_rate: 2, meter_error: 3 };

  function written(text, numbers) {
    if (text === null || text === undefined || text === "-") return "—";
    const scale = numbers.value === "percent" ? 100 : 1;
    const places = PLACES[numbers.value] ?? (scale === 100 ? 1 : 0);
    const value = numbers.sides ? Math.abs(Number(text)) : Number(text);
    const figure = (value * scale).toLocaleString("zh-CN", { minimumFractionDigits: places, maximumFractionDigits: Math.max(places, 0) });
    if (numbers.value === "yuan" || numbers.value === "price") return `¥${figure}`.replace("¥-", "-¥");
    return sided(text, numbers) + figure + ({ percent: "%", permille: "‰", loss_rate: "‰", gain_loss: " L", meter_error: "%" }[numbers.value] || "");
  }

  // A variance has a word where other figures have a sign.
  function sided(value, numbers) {
    if (!numbers.sides) return "";
    return `${Number(value) < 0 ? numbers.sides[0] : Number(value) > 0 ? numbers.sides[1] : "平"} `;
  }

  function short(value, numbers) {
    if (numbers.sides && value !== 0) return sided(value, numbers) + Math.abs(value);
    if (numbers.value === "percent") return `${(value * 100).toFixed(0)}%`;
    if (numbers.value === "permille") return `${value.toFixed(1)}‰`;
    return Math.abs(value) >= 10000 ? `${+(value / 10000).toFixed(2)}万` : String(value);
  }

  function palette(numbers) {
    const spare = ["--tblr-primary", "--grade-95", "--grade-98", "--grade-0", "--grade-92"].map(css);
    let next = 0;
    return numbers.series.map((one) => (one.colour ? css(`--grade-${one.colour}`) : spare[next++ % spare.length]));
  }

  function option(numbers, kind, narrow) {
    const ink = css("--ink"), soft = css("--ink-soft"), line = css("--line"), surface = css("--surface");
    const font = getComputedStyle(document.body).fontFamily;
    const colours = palette(numbers);
    const base = {
      animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
      animationDuration: 250,
      color: colours,
      textStyle: { fontFamily: font, color: ink },
      // richText: the HTML tooltip writes style attributes, which the content policy refuses.
      tooltip: { renderMode: "richText", trigger: kind === "pie" ? "item" : "axis", confine: true, backgroundColor: surface, borderColor: line, textStyle: { color: ink, fontFamily: font }, axisPointer: { type: kind === "line" ? "line" : "shadow" }, valueFormatter: (value) => written(value, numbers) },
      legend: { show: numbers.series.length > 1 || kind === "pie", top: 0, left: 0, icon: "roundRect", itemWidth: 12, itemHeight: 12, textStyle: { color: ink } },
    };
    if (kind === "pie") {
      const slices = numbers.series.length === 1
        ? numbers.labels.map((name, at) => ({ name, value: numbers.series[0].values[at] }))
        : numbers.series.map((one, at) => ({ name: one.name, value: one.values.reduce((sum, value) => sum + Number(value || 0), 0), itemStyle: { color: colours[at] } }));
      const spread = ["--grade-92", "--grade-95", "--grade-98", "--grade-0", "--tblr-primary", "--bad", "--wait", "--off"].map(css);
      return { ...base, color: numbers.series.length === 1 ? spread : colours, series: [{ type: "pie", radius: ["42%", "72%"], center: ["50%", "56%"], data: slices, itemStyle: { borderColor: surface, borderWidth: 2 }, label: narrow ? { position: "inside", color: css("--grade-fg"), formatter: (point) => `${Math.round(point.percent)}%` } : { color: ink, formatter: (point) => `${point.name}  ${point.percent}%` }, labelLine: { lineStyle: { color: soft } } }] };
    }
    const few = numbers.labels.length <= 12 && numbers.series.length === 1;
    return {
      ...base,
      grid: { left: 8, right: 16, top: numbers.series.length > 1 ? 36 : 20, bottom: 4, containLabel: true },
      xAxis: { type: "category", data: numbers.labels, axisLine: { lineStyle: { color: line } }, axisTick: { show: false }, axisLabel: { color: soft, hideOverlap: true } },
      yAxis: { type: "value", axisLabel: { color: soft, formatter: (value) => short(value, numbers) }, splitLine: { lineStyle: { color: line } } },
      series: numbers.series.map((one, at) => ({
        name: one.name,
        type: kind === "line" || one.line ? "line" : "bar",
        stack: numbers.kind === "stack" && kind !== "line" ? "all" : undefined,
        data: one.values.map((value) => (value === null ? "-" : value)),
        barMaxWidth: 36,
        symbolSize: 6,
        showSymbol: numbers.labels.length <= 31,
        lineStyle: { width: 2.25, type: ["solid", "dashed", "dotted"][at % 3] },
        label: few && kind !== "line" ? { show: true, position: "top", color: ink, fontSize: 11, formatter: (point) => short(Number(point.value), numbers) } : undefined,
      })),
    };
  }

  function draw(figure) {
    const numbers = JSON.parse(document.getElementById(figure.dataset.chart).textContent);
    const picture = figure.querySelector(".chart-picture"), table = figure.querySelector(".chart-table");
    const chart = echarts.init(picture, null, { renderer: "svg" });
    let kind = numbers.kind === "stack" ? "bar" : numbers.kind;
    const show = () => {
      const asTable = kind === "table";
      picture.hidden = asTable;
      table.hidden = !asTable;
      if (asTable) return;
      chart.resize();
      chart.setOption(option(numbers, kind, picture.clientWidth < 520), true);
    };
    figure.querySelectorAll("[data-kind]").forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset.kind === kind));
      button.addEventListener("click", () => {
        kind = button.dataset.kind;
        figure.querySelectorAll("[data-kind]").forEach((one) => one.setAttribute("aria-pressed", String(one === button)));
        show();
      });
    });
    new ResizeObserver(() => { if (kind !== "table") chart.resize(); }).observe(picture);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
    // Paper is white whatever the screen is.
    addEventListener("beforeprint", show);
    addEventListener("afterprint", show);
    // With a view box the picture shrinks to the paper's width by CSS alone.
    chart.on("finished", () => {
      const svg = picture.querySelector("svg");
      svg.setAttribute("viewBox", `0 0 ${svg.getAttribute("width")} ${svg.getAttribute("height")}`);
    });
    show();
    figure.dataset.drawn = "yes";
  }

  const all = (root) => root.querySelectorAll("[data-chart]:not([data-drawn])").forEach(draw);
  document.addEventListener("DOMContentLoaded", () => all(document));
  document.addEventListener("htmx:afterSettle", (event) => all(event.target));
})();
