"use strict";
/* Dark mode, sortable and searchable tables, and the navigation of a report. */

/* ---- dark mode ---- */

const themeButton = document.getElementById("theme");
const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : prefersDark.matches;
}

function labelThemeButton() {
  themeButton.textContent = isDark() ? "Light mode" : "Dark mode";
}

themeButton.addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  labelThemeButton();
});
prefersDark.addEventListener("change", labelThemeButton);
labelThemeButton();

/* ---- tables ---- */

const NUMBER = /^[-+]?(\d|\.\d)/;
const MISSING = /^(|n\/a|none|not run|unknown|-|–)$/;
const ROWS_TO_FILTER = 5; // shorter tables need no search

const textOf = (row, column) => row.cells[column].textContent.trim().replace(/−/g, "-");

/* Sort by the leading number where every cell has one, else by text; missing values come last. */
function sortTable(table, column, descending) {
  const rows = [...table.tBodies[0].rows];
  const texts = new Map(rows.map((row) => [row, textOf(row, column)]));
  const known = (row) => !MISSING.test(texts.get(row));
  const numeric = rows.filter(known).every((row) => NUMBER.test(texts.get(row)));
  const compare = numeric
    ? (a, b) => parseFloat(texts.get(a)) - parseFloat(texts.get(b))
    : (a, b) => texts.get(a).localeCompare(texts.get(b), "en", { numeric: true });
  rows.sort((a, b) => known(b) - known(a) || (known(a) ? compare(a, b) * (descending ? -1 : 1) : 0));
  table.tBodies[0].append(...rows);
}

function makeSortable(table) {
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    header.scope = "col";
    header.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const before = header.getAttribute("aria-sort");
      const numbersFirst = header.classList.contains("right") ? "descending" : "ascending"; // the best model first
      const order = { none: numbersFirst, ascending: "descending", descending: "ascending" }[before];
      headers.forEach((other) => other.setAttribute("aria-sort", "none"));
      header.setAttribute("aria-sort", order);
      sortTable(table, column, order === "descending");
    });
  });
}

function makeSearchable(table, place) {
  const rows = [...table.tBodies[0].rows];
  if (rows.length <= ROWS_TO_FILTER) return;
  const label = document.createElement("label");
  const input = document.createElement("input");
  const count = document.createElement("output");
  label.className = "filter";
  input.type = "search";
  input.placeholder = "Filter rows";
  input.setAttribute("aria-label", "Filter the rows of this table");
  label.append(input, count);
  place.before(label);
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/);
    rows.forEach((row) => {
      row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
    });
    const shown = rows.filter((row) => !row.hidden).length;
    count.textContent = input.value ? `${shown} of ${rows.length}` : "";
  });
}

for (const table of document.querySelectorAll("main table")) {
  const box = table.closest(".scroll") || table;
  if (table.closest(".scroll")) box.tabIndex = 0; // scrolls with the keyboard
  makeSortable(table);
  makeSearchable(table, box);
}

/* ---- navigation: mark the section that is being read ---- */

const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
const seen = new IntersectionObserver(
  (entries) => {
    for (const entry of entries.filter((each) => each.isIntersecting)) {
      links.forEach((link) => link.removeAttribute("aria-current"));
      links.get(entry.target.id)?.setAttribute("aria-current", "true");
    }
  },
  { rootMargin: "-10% 0px -80% 0px" },
);
document.querySelectorAll("main > section").forEach((section) => seen.observe(section));
