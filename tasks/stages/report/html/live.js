"use strict";
{
  const live = document.getElementById("live");
  // The first news may be of a later page than this one.
  let shown = null;

  const refresh = async () => {
    const text = await (await fetch("/", { cache: "no-store" })).text();
    const page = new DOMParser().parseFromString(text, "text/html");
    const opened = [...document.querySelectorAll("details.item[open]")].map((item) => item.id);
    const filter = document.getElementById("filter")?.value;
    for (const name of ["header", "main"]) {
      const [before, after] = [document, page].map((each) => each.querySelector(name));
      if (name === "header") after.querySelector("#live").replaceWith(live);
      before.replaceWith(document.adoptNode(after));
    }
    for (const item of document.querySelectorAll("details.item")) item.open = opened.includes(item.id);
    document.title = page.title;
    const field = document.getElementById("filter");
    if (filter && field) {
      field.value = filter;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  };

  const events = new EventSource("/events");
  events.onmessage = async (event) => {
    const { version, running } = JSON.parse(event.data);
    live.textContent = running.length ? `Under way:\n${running.join("\n")}` : "";
    live.hidden = !running.length;
    if (version !== shown) {
      shown = version;
      await refresh();
    }
  };
  events.onerror = () => {
    live.textContent = "prprep report --serve has ended: this page is as it was then.";
    live.hidden = false;
  };
}
