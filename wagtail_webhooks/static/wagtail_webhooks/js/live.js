/* Keeps up to date what has not ended yet: the rows of the log that are on the screen, or the page
   of one delivery. Nothing is asked in a hidden tab, and less and less while nothing changes. */
(() => {
  const SHORTEST = 2000;
  const LONGEST = 15000;
  const MAX_FAILURES = 3;
  const PARTS = ["webhooks-state", "webhooks-about", "webhooks-attempts", "webhooks-contents"];

  const root = document.querySelector("[data-webhooks-live]");
  if (!root) return;
  const { url, one, many } = root.dataset;
  let pause = SHORTEST;
  let failures = 0;
  let timer = null;

  /* Null: there is nothing new. */
  const get = async (query) => {
    const response = await fetch(`${url}?${new URLSearchParams(query)}`, {
      headers: { "X-Requested-With": "XMLHttpRequest" },
      redirect: "error",
    });
    if (!response.ok) throw new Error(String(response.status));
    if (response.status === 204) return null;
    return new DOMParser().parseFromString(await response.text(), "text/html");
  };

  const badgeOf = (element) => element.querySelector(".webhooks-badge").textContent.trim();

  /* -- The log ------------------------------------------------------------------------------- */

  const isOnScreen = (row) => {
    const { top, bottom } = row.getBoundingClientRect();
    return bottom > 0 && top < window.innerHeight;
  };

  const openRows = () =>
    [...document.querySelectorAll("td[data-webhooks-open]")]
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
        .replace("{state}", badgeOf(row));
    root.textContent =
      rows.length > 3 ? many.replace("{count}", rows.length) : rows.map(words).join(" ");
  };

  const lookAtRows = async () => {
    const rows = openRows();
    if (!rows.length) return false;
    const fresh = await get(rows.map((row) => ["id", idOf(row)]));
    const changed = rows.filter((row) => {
      const title = fresh.getElementById(`delivery_${idOf(row)}_title`);
      return title && row.isConnected && update(row, title.closest("tr"));
    });
    tell(changed);
    return changed.length > 0;
  };

  /* -- The page of one delivery -------------------------------------------------------------- */

  const replace = (part, fresh) => {
    const open = [...part.querySelectorAll("details[open]")].map((details) => details.id);
    const focused = part.contains(document.activeElement) ? document.activeElement : null;
    part.replaceWith(fresh);
    open.forEach((id) => document.getElementById(id)?.setAttribute("open", ""));
    if (focused) focusOn(fresh, focused);
  };

  /* Whoever is at work with the keyboard stays where they were, or comes close to it. */
  const focusOn = (part, lost) => {
    const homeOf = (element) => element.closest("details")?.id;
    const twin = [...part.querySelectorAll(lost.tagName)].find(
      (other) => other.textContent === lost.textContent && homeOf(other) === homeOf(lost),
    );
    if (!twin) part.tabIndex = -1;
    (twin ?? part).focus({ preventScroll: true });
  };

  const lookAtDelivery = async () => {
    const state = document.getElementById(PARTS[0]);
    if (!("webhooksOpen" in state.dataset)) return false;
    const fresh = await get({ version: state.dataset.version });
    if (!fresh) return false;
    for (const id of PARTS) {
      const part = document.getElementById(id);
      const next = document.importNode(fresh.getElementById(id), true);
      if (!part.isEqualNode(next)) replace(part, next);
    }
    const now = document.getElementById(PARTS[0]);
    root.textContent = `${badgeOf(now)}. ${now.querySelector("strong").textContent}`;
    return true;
  };

  /* -- Again and again ----------------------------------------------------------------------- */

  const look = one ? lookAtRows : lookAtDelivery;

  const again = async () => {
    timer = null;
    try {
      pause = (await look()) ? SHORTEST : Math.min(pause * 1.5, LONGEST);
      failures = 0;
    } catch {
      failures += 1;
      pause = LONGEST;
    }
    plan();
  };

  const plan = () => {
    if (timer === null && !document.hidden && failures < MAX_FAILURES) {
      timer = window.setTimeout(again, pause);
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
