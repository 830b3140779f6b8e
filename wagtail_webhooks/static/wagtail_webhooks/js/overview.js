/* Draws the table of deliveries by hour as stacked bars. Colours and fonts come from the style
   sheet, so that dark mode and high contrast follow. */
(() => {
  const SERIES = ["succeeded", "waiting", "failed", "cancelled"];
  const HOUR = 3600;
  const HEIGHT = 220;

  const read = (figure) => {
    const rows = [...figure.querySelectorAll("tbody tr")];
    return {
      labels: rows.map((row) => row.querySelector("th").textContent.trim()),
      at: rows.map((row) => Number(row.dataset.at)),
      counts: SERIES.map((_, index) =>
        rows.map((row) => Number(row.querySelectorAll("td")[index].textContent)),
      ),
    };
  };

  /* Each series stands on those before it: the tallest is drawn first, the others over it. */
  const stacked = (counts) => {
    const sums = counts[0].map(() => 0);
    return counts.map((values) => values.map((value, i) => (sums[i] += value)));
  };

  const colourOf = (figure, name) =>
    getComputedStyle(figure.querySelector(`.webhooks-series--${name}`), "::before").borderTopColor;

  const draw = (figure, data, words) => {
    const box = figure.querySelector("[data-webhooks-chart-canvas]");
    const reading = figure.querySelector("[data-webhooks-chart-reading]");
    const style = getComputedStyle(box);
    const axis = {
      stroke: style.color,
      font: `12px ${style.fontFamily}`,
      grid: { stroke: style.borderTopColor, width: 1 },
      ticks: { stroke: style.borderTopColor, width: 1 },
    };
    const layers = stacked(data.counts)
      .map((values, index) => ({ values, colour: colourOf(figure, SERIES[index]) }))
      .reverse();
    const tell = (plot) => {
      const index = plot.cursor.idx;
      reading.textContent =
        index === null || index === undefined
          ? ""
          : `${data.labels[index]}: ` +
            words.map((word, i) => `${data.counts[i][index]} ${word}`).join(", ");
    };
    box.replaceChildren();
    return new window.uPlot(
      {
        width: box.clientWidth,
        height: HEIGHT,
        padding: [8, 8, 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { show: false }, drag: { setScale: false } },
        hooks: { setCursor: [tell] },
        scales: {
          x: { range: () => [data.at[0] - HOUR / 2, data.at.at(-1) + HOUR / 2] },
          y: { range: (_plot, _low, high) => [0, Math.max(high, 4)] },
        },
        axes: [
          {
            ...axis,
            grid: { show: false },
            size: 36,
            values: (_plot, ticks) =>
              ticks.map((tick) => {
                const at = data.at.indexOf(tick);
                if (at < 0) return "";
                const [day, time] = data.labels[at].split(", ");
                return data.at.length > 48 ? day : time;
              }),
            space: data.at.length > 48 ? 90 : 60,
          },
          { ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 1e5, 1e6], size: 56 },
        ],
        series: [
          {},
          ...layers.map((layer) => ({
            fill: layer.colour,
            width: 0,
            points: { show: false },
            paths: window.uPlot.paths.bars({ size: [0.8, 40] }),
          })),
        ],
      },
      [data.at, ...layers.map((layer) => layer.values)],
      box,
    );
  };

  const start = (figure) => {
    const data = read(figure);
    if (!data.at.length || !window.uPlot) return;
    const words = [...figure.querySelectorAll(".webhooks-series")].map((item) => item.textContent);
    let plot = draw(figure, data, words);
    const box = figure.querySelector("[data-webhooks-chart-canvas]");
    new ResizeObserver(() => {
      if (box.clientWidth && box.clientWidth !== plot.width) {
        plot.setSize({ width: box.clientWidth, height: HEIGHT });
      }
    }).observe(box);
    const again = () => {
      plot.destroy();
      plot = draw(figure, data, words);
    };
    for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
      window.matchMedia(query).addEventListener("change", again);
    }
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("[data-webhooks-chart]").forEach(start);
  });
})();
