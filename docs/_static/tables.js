/* Tables with the class `filterable`: a field that keeps the rows with all its words, and heads that
   sort at a click. Without JavaScript they are plain tables. */
document.addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll("table.filterable")) {
    const body = table.tBodies[0];
    const rows = [...body.rows];

    const field = document.createElement("input");
    field.type = "search";
    field.className = "table-filter";
    field.placeholder = "filter: xquad-r leace";
    field.setAttribute("aria-label", "keep the rows with all these words");
    const count = document.createElement("span");
    count.className = "table-count";
    const keep = () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        shown += row.hidden ? 0 : 1;
      }
      count.textContent = ` ${shown} of ${rows.length} rows`;
    };
    field.addEventListener("input", keep);
    const box = table.closest(".table-wrapper") || table;
    box.before(field, count);
    keep();

    /* ".640", "1,215", "96%", "−.012 [−.02, .001]": the first number counts; a dash comes last. */
    const number = (text) => {
      const found = text.trim().replace(/−/g, "-").replace(/,(?=\d{3})/g, "").match(/^[-+]?\d*\.?\d+/);
      return found ? parseFloat(found[0]) : NaN;
    };
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      head.tabIndex = 0;
      head.setAttribute("role", "button");
      const sort = () => {
        const falling = head.getAttribute("aria-sort") === "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", falling ? "descending" : "ascending");
        const cell = (row) => row.cells[column].textContent.trim();
        rows.sort((a, b) => {
          const [x, y] = [number(cell(a)), number(cell(b))];
          if (isNaN(x) || isNaN(y)) {
            const order = isNaN(x) && isNaN(y) ? cell(a).localeCompare(cell(b)) : isNaN(x) - isNaN(y);
            return isNaN(x) && isNaN(y) && falling ? -order : order;
          }
          return falling ? y - x : x - y;
        });
        body.append(...rows);
      };
      head.addEventListener("click", sort);
      head.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          sort();
        }
      });
    });
  }
});
