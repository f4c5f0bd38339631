"use strict";
// Everything is in the page without this script, which only shows less at a time, sorts, copies and tells of marks.
(() => {
  const all = (what, where = document) => [...where.querySelectorAll(what)];
  const said = document.getElementById("said");

  // -- one schedule at a time; all selectors go together -------------------------------------------------------------
  const radios = all("[data-selector] input");
  const panels = all("[data-panel]");
  const select = (number) => {
    for (const panel of panels) panel.hidden = panel.dataset.panel !== number;
    for (const radio of radios) radio.checked = radio.value === number;
  };
  for (const box of all("[data-selector]")) box.hidden = false;
  for (const radio of radios) radio.addEventListener("change", () => select(radio.value));
  const follow = () => {
    const target = document.getElementById(location.hash.slice(1));
    const panel = target && target.closest("[data-panel]");
    if (!panel) return;
    select(panel.dataset.panel);
    panel.scrollIntoView();
  };
  const opening = radios.find((radio) => radio.defaultChecked);
  if (opening) select(opening.value);
  addEventListener("hashchange", follow);
  follow();

  // -- light and dark ------------------------------------------------------------------------------------------------
  const theme = document.getElementById("theme");
  const wish = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (document.documentElement.dataset.theme || (wish.matches ? "dark" : "light")) === "dark";
  const name = () => { theme.textContent = dark() ? "Light" : "Dark"; theme.setAttribute("aria-label", `Change to ${dark() ? "light" : "dark"} colours`); };
  theme.hidden = false;
  theme.addEventListener("click", () => { document.documentElement.dataset.theme = dark() ? "light" : "dark"; name(); });
  wish.addEventListener("change", name);
  name();

  // -- tables: sorted by a column, copied as CSV ---------------------------------------------------------------------
  const key = (row, column) => {
    const cell = row.cells[column];
    const number = cell && cell.querySelector("[data-value]");
    if (number) return Number(number.dataset.value.replace("inf", "Infinity"));
    return cell ? cell.textContent.trim() : "";
  };
  const order = (a, b, turn) => {
    if (typeof a === "number" && typeof b === "number") {
      if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b); // what is missing comes last either way
      return a === b ? 0 : a < b ? -turn : turn; // infinities have no difference
    }
    return turn * String(a).localeCompare(String(b), "en");
  };
  const sort = (table, head) => {
    const column = head.cellIndex;
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of all("th[scope=col]", table)) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = [...body.rows].sort((a, b) => order(key(a, column), key(b, column), down ? -1 : 1));
    body.append(...rows);
    said.textContent = `sorted by ${head.textContent}, ${down ? "descending" : "ascending"}`;
  };
  const field = (cell) => {
    const numbers = all("[data-value]", cell).map((one) => one.dataset.value);
    const words = cell.querySelector(".verdict");
    if (numbers.length) return words ? [...numbers, words.textContent] : numbers;
    const text = cell.textContent.trim();
    return [/^[=+\-@\t\r]/.test(text) ? `'${text}` : text]; // a spreadsheet would compute it
  };
  const quoted = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const csv = (table) => {
    const rows = [...table.rows].map((row) => [...row.cells].map(field));
    const room = rows[0].map((_, k) => Math.max(...rows.map((row) => (row[k] || []).length))); // an interval takes three columns
    const lines = rows.map((row) => row.flatMap((cell, k) => Array.from({ length: room[k] }, (_, i) => quoted(cell[i] || ""))));
    return lines.map((line) => line.join(",")).join("\r\n") + "\r\n";
  };
  const copy = async (text, button) => {
    let done = true;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      done = document.execCommand("copy");
      area.remove();
      button.focus();
    }
    button.textContent = done ? "Copied" : "Could not copy";
    said.textContent = button.textContent;
    setTimeout(() => { button.textContent = "Copy as CSV"; }, 2000);
  };
  for (const table of all("table")) {
    for (const head of all("thead th", table)) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, head));
      head.append(button);
    }
    if (table.id === "board") continue; // the first screen has no room
    const tools = document.createElement("p");
    const button = document.createElement("button");
    tools.className = "tools";
    button.type = "button";
    button.textContent = "Copy as CSV";
    button.addEventListener("click", () => copy(csv(table), button));
    tools.append(button);
    table.closest(".scroll").before(tools);
  }

  // -- what a mark or a number is, beside the pointer ----------------------------------------------------------------
  const tip = document.getElementById("tip");
  const told = (target) => {
    const mark = target.closest("[data-tip]");
    if (mark) return mark.dataset.tip;
    const number = target.closest("[data-value]");
    return number ? `${number.dataset.value} (${number.dataset.table}, row ${number.dataset.row}, ${number.dataset.column})` : "";
  };
  document.addEventListener("pointermove", (event) => {
    const text = event.target instanceof Element ? told(event.target) : "";
    tip.hidden = !text;
    if (!text) return;
    tip.textContent = text;
    const room = document.documentElement.clientWidth + scrollX - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(0, Math.min(event.pageX + 14, room))}px`;
    tip.style.top = `${event.pageY + 16}px`;
  });
  document.addEventListener("pointerleave", () => { tip.hidden = true; });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });
})();
