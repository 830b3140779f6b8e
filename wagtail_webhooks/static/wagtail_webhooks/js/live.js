/* Keeps the rows of the log up to date that have not ended yet and are on the screen. Nothing is
   asked in a hidden tab, and less and less while nothing changes. */
(() => {
  const SHORTEST = 2000;
  const LONGEST = 15000;
  const MAX_FAILURES = 3;

  const root = document.querySelector("[data-webhooks-live]");
  if (!root) return;
  const { url, one, many } = root.dataset;
  let pause = SHORTEST;
  let failures = 0;
  let timer = null;

  const isOnScreen = (row) => {
    const { top, bottom } = row.getBoundingClientRect();
    return bottom > 0 && top < window.innerHeight;
  };

  const openRows = () =>
    [...document.querySelectorAll("[data-webhooks-open]")]
      .map((cell) => cell.closest("tr"))
      .filter(isOnScreen);

  const idOf = (row) => row.querySelector("[id^=delivery_]").id.split("_")[1];
  const cellsOf = (row) => [...row.querySelectorAll("td.webhooks-live")];

  /* True: the row's state has changed. */
  const update = (row, fresh) => {
    const before = cellsOf(row);
    const stateOf = (cells) => cells[0].textContent.trim();
    const hasNewState = stateOf(before) !== stateOf(cellsOf(fresh));
    cellsOf(fresh).forEach((cell, index) => {
      if (before[index].innerHTML !== cell.innerHTML) {
        before[index].replaceWith(document.importNode(cell, true));
      }
    });
    if (hasNewState) row.classList.add("webhooks-changed");
    return hasNewState;
  };

  const tell = (rows) => {
    if (!rows.length) return;
    const words = (row) =>
      one
        .replace("{event}", row.querySelector("[id^=delivery_]").textContent.trim())
        .replace("{state}", cellsOf(row)[0].querySelector(".webhooks-badge").textContent.trim());
    root.textContent =
      rows.length > 3 ? many.replace("{count}", rows.length) : rows.map(words).join(" ");
  };

  const ask = async (rows) => {
    const query = new URLSearchParams(rows.map((row) => ["id", idOf(row)]));
    const response = await fetch(`${url}?${query}`, {
      headers: { "X-Requested-With": "XMLHttpRequest" },
      redirect: "error",
    });
    if (!response.ok) throw new Error(String(response.status));
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    return rows.filter((row) => {
      const title = fresh.getElementById(`delivery_${idOf(row)}_title`);
      return title && row.isConnected && update(row, title.closest("tr"));
    });
  };

  const look = async () => {
    timer = null;
    const rows = openRows();
    if (rows.length) {
      try {
        const changed = await ask(rows);
        tell(changed);
        failures = 0;
        pause = changed.length ? SHORTEST : Math.min(pause * 1.5, LONGEST);
      } catch {
        failures += 1;
        pause = LONGEST;
      }
    }
    plan();
  };

  const plan = () => {
    if (timer === null && !document.hidden && failures < MAX_FAILURES) {
      timer = window.setTimeout(look, pause);
    }
  };

  document.addEventListener("visibilitychange", () => {
    window.clearTimeout(timer);
    timer = null;
    pause = SHORTEST;
    plan();
  });
  plan();
})();
