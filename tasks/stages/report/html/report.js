"use strict";
{
  const byId = (name) => document.getElementById(name);

  // Sections of later items are compressed: a thousand of them are some 10 MB rather than 100.
  const unpack = async (item) => {
    const packed = item.querySelector("script[data-packed]");
    if (!packed) return;
    const bytes = Uint8Array.from(atob(packed.textContent), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const html = await new Response(stream).text();
    packed.replaceWith(document.createRange().createContextualFragment(html));
  };

  const opened = () => {
    const item = byId(decodeURIComponent(location.hash.slice(1)));
    if (item?.matches("details.item")) {
      item.open = true;
      item.scrollIntoView();
    }
  };

  const sort = (heading) => {
    const key = heading.dataset.key, body = heading.closest("table").tBodies[0];
    const before = heading.getAttribute("aria-sort");
    const direction = before === "ascending" ? -1 : 1;
    const value = (row) => (key === "change" ? Number(row.dataset[key]) : row.dataset[key]);
    const compare = (a, b) => (value(a) < value(b) ? -1 : value(a) > value(b) ? 1 : 0) * direction;
    for (const other of heading.parentNode.children) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", direction > 0 ? "ascending" : "descending");
    body.append(...[...body.rows].sort(compare));
  };

  const filter = (words) => {
    let shown = 0;
    for (const row of byId("overview-table").tBodies[0].rows) {
      const text = `${row.dataset.title} ${row.dataset.id} ${row.dataset.state}`.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      byId(`item-${row.dataset.id}`).hidden = row.hidden;
      shown += !row.hidden;
    }
    byId("none").hidden = shown > 0;
  };

  const tip = byId("tip");
  const show = (event) => {
    const mark = event.target.closest?.("svg [aria-label]");
    tip.hidden = !mark;
    if (!mark) return;
    tip.textContent = mark.getAttribute("aria-label");
    const left = Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8);
    const below = event.clientY + 18;
    const above = event.clientY - tip.offsetHeight - 10;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${below + tip.offsetHeight > innerHeight ? above : below}px`;
  };

  document.addEventListener("toggle", (event) => event.target.open && unpack(event.target), true);
  document.addEventListener("pointermove", show);
  document.addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });
  document.addEventListener("click", (event) => {
    const heading = event.target.closest("#overview-table thead button")?.parentNode;
    if (heading) sort(heading);
    if (event.target.closest("a[href^='#item-']")) setTimeout(opened);
  });
  document.addEventListener("input", (event) => {
    if (event.target.id === "filter") filter(event.target.value.toLowerCase().split(/\s+/).filter(Boolean));
  });
  addEventListener("hashchange", opened);
  if (location.hash) opened();
}
