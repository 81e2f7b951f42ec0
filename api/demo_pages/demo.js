// Tells what the snippet did. The page itself doesn't need it.
const rows = document.getElementById("swaps");
const answers = new Map();

const cell = (text, name) => {
  const made = document.createElement("td");
  made.className = name || "";
  made.append(text);
  return made;
};

const badge = state => {
  const made = document.createElement("span");
  made.className = "state " + state;
  made.append(state);
  return made;
};

const written = number => number.replace(/^\+1(\d{3})(\d{3})(\d{4})$/, "($1) $2-$3");

const clock = time => time.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });

addEventListener("ringpool:swapped", event => {
  for (const swap of event.detail.swaps) answers.set(swap.target, swap);
  rows.replaceChildren(...[...answers.values()].map(swap => {
    const row = document.createElement("tr");
    row.append(
      cell(written(swap.target), "old"),
      cell(written(swap.number), "ours"),
      cell(badge(swap.state)),
      cell(swap.guaranteed_until ? clock(new Date(swap.guaranteed_until)) : "no promise"),
      cell(swap.pool),
    );
    return row;
  }));
});

const query = new URLSearchParams(location.search);
const facts = [...query].filter(([name]) => !name.startsWith("rp_"));
document.getElementById("visit").textContent =
  [...facts, ["path", location.pathname]].map(pair => pair.join("=")).join(" · ");
for (const link of document.querySelectorAll(".visitors a")) {
  if (link.getAttribute("href") === location.pathname + location.search) link.setAttribute("aria-current", "page");
}
