"use strict";
// Draws the page from the JSON beside it. Everything in that came out of a log, so it is put in as text, never as
// markup.
(() => {
  const page = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const SVG = "http://www.w3.org/2000/svg";

  function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) {
        node.addEventListener(name.slice(2), value);
      } else if (value !== null && value !== false) {
        node.setAttribute(name, value === true ? "" : value);
      }
    }
    node.append(...children.filter((child) => child !== null));
    return node;
  }
  const el = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);
  const svg = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

  const time = (ns) => `${Math.trunc(ns / 1000)}.${String(ns % 1000).padStart(3, "0")} µs`;
  const span = (ns) => {
    const size = Math.abs(ns);
    const [unit, name] = size >= 1e9 ? [1e9, "s"] : size >= 1e6 ? [1e6, "ms"] : size >= 1e3 ? [1e3, "µs"] : [1, "ns"];
    return `${ns < 0 ? "−" : ns > 0 ? "+" : ""}${Number((size / unit).toPrecision(4))} ${name}`;
  };

  // Meaning never lies in colour alone: each verdict has a sign and its word.
  const LOOKS = {
    agree: ["good", "✓"], held: ["good", "✓"], skip: ["none", "–"], error: ["warn", "!"],
  };
  const looks = (verdict) => LOOKS[verdict] || ["bad", "✗"];
  const badge = (verdict) => el("span", {class: "badge " + looks(verdict)[0]}, `${looks(verdict)[1]} ${verdict}`);

  const chapters = page.chapters;
  const twoSided = chapters.some((chapter) => chapter.compared !== null) || page.right !== "";

  // --- Head

  function drawHead() {
    byId("title").textContent = page.title;
    byId("subjects").append(
      el("span", {}, page.right === "" ? page.left : `left: ${page.left}`), el("br"),
      page.right === "" ? "" : el("span", {}, `right: ${page.right}`));
    const button = byId("theme");
    const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
    let chosen = null;
    const show = () => {
      const dark = chosen === null ? prefersDark.matches : chosen;
      document.documentElement.dataset.theme = dark ? "dark" : "light";
      button.setAttribute("aria-pressed", String(dark));
    };
    button.addEventListener("click", () => {
      chosen = document.documentElement.dataset.theme !== "dark";
      show();
    });
    prefersDark.addEventListener("change", show);
    show();
  }

  // --- Verdicts

  const sum = (list, field) => list.reduce((total, one) => total + one[field], 0);
  const COLUMNS = [
    {title: "Scenario", of: (c) => c.name},
    {title: "Verdict", of: (c) => c.verdict},
    {title: "Exact", number: true, compared: true, of: (c) => c.compared ? c.compared.exact : 0},
    {title: "Ordered", number: true, compared: true, of: (c) => c.compared ? c.compared.ordered : 0},
    {title: "Invariant", number: true, compared: true, of: (c) => c.compared ? c.compared.invariant : 0},
    {title: "Waived", number: true, compared: true, of: (c) => c.compared ? c.compared.waived : 0},
    {title: "Quirks", number: true, of: (c) => new Set(c.quirks.map((quirk) => quirk.name)).size},
    {title: "Findings", number: true, of: (c) => sum(c.findings, "count")},
    {title: "Seconds", number: true, of: (c) => c.seconds, show: (c) => c.seconds.toFixed(2)},
    {title: "Machine", of: (c) => c.machine},
    {title: "Reason", of: (c) => c.reason},
  ].filter((column) => twoSided || !column.compared);

  const table = {column: -1, rising: true, verdict: null, words: ""};
  let current = null;

  function words(chapter) {
    return [chapter.name, chapter.verdict, chapter.reason, chapter.machine, ...chapter.quirks.map((q) => q.name)]
      .join(" ").toLowerCase();
  }

  function drawChips() {
    const counts = new Map();
    for (const chapter of chapters) {
      counts.set(chapter.verdict, (counts.get(chapter.verdict) || 0) + 1);
    }
    const chip = (label, verdict) => el("button", {
      type: "button", "aria-pressed": String(table.verdict === verdict),
      onclick: () => {
        table.verdict = verdict;
        drawChips();
        drawVerdicts();
      },
    }, label);
    byId("chips").replaceChildren(chip(`all ${chapters.length}`, null),
      ...[...counts].map(([verdict, count]) => chip(`${looks(verdict)[1]} ${verdict} ${count}`, verdict)));
  }

  function drawHeading() {
    const cells = COLUMNS.map((column, index) => {
      const sorted = index === table.column;
      const sign = sorted ? (table.rising ? " ▲" : " ▼") : "";
      return el("th", {
        scope: "col", class: column.number ? "number" : null,
        "aria-sort": sorted ? (table.rising ? "ascending" : "descending") : "none",
      }, el("button", {
        type: "button",
        onclick: () => {
          table.rising = sorted ? !table.rising : !column.number;
          table.column = index;
          drawVerdicts();
          byId("verdicts").tHead.querySelectorAll("button")[index].focus();
        },
      }, column.title + sign));
    });
    byId("verdicts").tHead.replaceChildren(el("tr", {}, ...cells));
  }

  function drawVerdicts() {
    drawHeading();
    const shown = chapters.filter((chapter) =>
      (table.verdict === null || chapter.verdict === table.verdict) && words(chapter).includes(table.words));
    const column = COLUMNS[table.column];
    if (column) {
      const order = (a, b) => column.number ? a - b : String(a).localeCompare(String(b));
      shown.sort((a, b) => (table.rising ? 1 : -1) * order(column.of(a), column.of(b)));
    }
    byId("verdicts").tBodies[0].replaceChildren(...shown.map((chapter) => {
      const cells = COLUMNS.map((one) => {
        const text = one.show ? one.show(chapter) : String(one.of(chapter));
        return el("td", {class: one.number ? "number" : null},
          one.title === "Scenario" ? el("a", {href: "#" + encodeURIComponent(chapter.name)}, text)
            : one.title === "Verdict" ? badge(chapter.verdict) : text);
      });
      return el("tr", {"aria-selected": String(chapter === current), "data-name": chapter.name}, ...cells);
    }));
    byId("shown").textContent = `${shown.length} of ${chapters.length} shown`;
  }

  // --- One scenario

  const definition = (term, ...what) => what.every((one) => one === null || one === "")
    ? [] : [el("dt", {}, term), el("dd", {}, ...what)];
  const clauseOf = (one) => one.clause === "" ? "none: VIRTIO leaves it open"
    : one.clause + (one.says === null ? "" : ` – ${one.says}`);

  function simpleTable(heads, rows, numbers = []) {
    const look = (index) => numbers.includes(index) ? "number" : null;
    return el("div", {class: "scroll"}, el("table", {},
      el("thead", {}, el("tr", {}, ...heads.map((head, i) => el("th", {scope: "col", class: look(i)}, head)))),
      el("tbody", {}, ...rows.map((row) =>
        el("tr", {}, ...row.map((cell, i) => el("td", {class: look(i)}, cell)))))));
  }

  function drawDivergence(chapter) {
    const found = chapter.divergence;
    const [left, right] = chapter.sides.map((side) => side.name);
    const cells = (seen) => seen === null
      ? [el("td", {class: "number"}, ""), el("td", {}, el("mark", {}, "nothing of the kind"))]
      : [el("td", {class: "number mono"}, `#${seen.n} ${time(seen.t)}`), el("td", {class: "mono"}, seen.text)];
    const row = (sign, seen, look) => el("tr", {class: look}, el("th", {scope: "row"}, sign),
      ...cells(seen.left), ...cells(seen.right));
    const fields = found.fields.length === 0 ? [] : [
      el("h3", {}, "Fields that differ"),
      simpleTable(["Field", left, right, "Class", "Clause"], found.fields.map((field) =>
        [field.field, el("mark", {}, field.left), el("mark", {}, field.right), found.class, clauseOf(found)])),
    ];
    return [
      el("h3", {}, "First divergence"),
      el("p", {class: "box bad"}, `✗ ${found.what}`),
      el("dl", {}, ...definition("class", found.class), ...definition("clause", clauseOf(found)),
        ...definition("where", found.lane),
        ...definition("afterwards", found.followers === 0 ? "" : `${found.followers} more that may follow from it`)),
      el("div", {class: "scroll"}, el("table", {id: "divergence"},
        el("thead", {}, el("tr", {}, el("th", {scope: "col"}, ""),
          el("th", {scope: "colgroup", colspan: 2}, left), el("th", {scope: "colgroup", colspan: 2}, right))),
        el("tbody", {}, ...found.agreed.map((pair) => row("= agreed", pair, null)), row("≠ differs", found, "here")))),
      ...fields,
    ];
  }

  // --- The figure: both sides round the event, on lanes

  const WIDTH = 1100, LABEL = 92, ROW = 20;

  // Bars that overlap go on rows of their own.
  function stack(bars, x) {
    const ends = [];
    return bars.map((bar) => {
      let row = ends.findIndex((end) => end <= x(bar.begin));
      row = row < 0 ? ends.length : row;
      ends[row] = Math.max(x(bar.end), x(bar.begin) + 3);
      return {...bar, row};
    });
  }

  function scaleOf(figure, toScale) {
    const room = WIDTH - LABEL - 12;
    const from = figure.from, to = Math.max(figure.to, from + 1);
    if (toScale) {
      return (t) => LABEL + room * (Math.min(Math.max(t, from), to) - from) / (to - from);
    }
    const times = [...new Set(figure.marks.map((mark) => mark[0]).concat([from, figure.at, to]))].sort((a, b) => a - b);
    const place = new Map(times.map((t, index) => [t, index]));
    return (t) => {
      const clipped = Math.min(Math.max(t, from), to);
      const index = place.has(clipped) ? place.get(clipped) : times.findIndex((one) => one > clipped) - 0.5;
      return LABEL + room * index / Math.max(times.length - 1, 1);
    };
  }

  const SHAPES = {
    driver: (x, y) => svg("rect", {x: x - 1, y: y - 6, width: 2.5, height: 12, class: "mark"}),
    interrupts: (x, y) => svg("path", {d: `M${x - 5} ${y + 5}L${x} ${y - 5}L${x + 5} ${y + 5}Z`, class: "mark"}),
    device: (x, y) => svg("rect", {x: x - 3, y: y - 3, width: 6, height: 6, class: "mark"}),
    queue: (x, y) => svg("circle", {cx: x, cy: y, r: 2.5, class: "mark"}),
  };

  function drawFigure(side, toScale) {
    const figure = side.figure;
    const x = scaleOf(figure, toScale);
    const marks = figure.marks.map(([t, lane, text, here]) => ({t, lane, text, here}));
    const bars = figure.bars.map(([begin, end, lane, text, open]) => ({begin, end, lane, text, open}));
    const names = [...new Set(marks.concat(bars).map((one) => one.lane))];
    const order = (name) => ["driver", "queue", "interrupts", "device"].indexOf(name.split(" ")[0]);
    names.sort((a, b) => order(a) - order(b) || a.localeCompare(b, undefined, {numeric: true}));

    const parts = [];
    let y = 26;
    for (const name of names) {
      const stacked = stack(bars.filter((bar) => bar.lane === name).sort((a, b) => a.begin - b.begin), x);
      const barRows = stacked.reduce((most, bar) => Math.max(most, bar.row + 1), 0);
      parts.push(svg("line", {x1: 0, x2: WIDTH, y1: y, y2: y, class: "lane"}), svg("text", {x: 6, y: y + 14}, name));
      for (const mark of marks.filter((one) => one.lane === name)) {
        const shape = (SHAPES[name] || SHAPES.queue)(x(mark.t), y + ROW / 2);
        shape.append(svg("title", {}, `${time(mark.t)}: ${mark.text}`));
        parts.push(shape);
      }
      for (const bar of stacked) {
        const begin = x(bar.begin), width = Math.max(x(bar.end) - begin, 3), top = y + ROW * (bar.row + 1);
        parts.push(svg("g", {}, svg("title", {}, `${time(bar.begin)} to ${bar.open ? "beyond" : time(bar.end)}: ${bar.text}`),
          svg("rect", {x: begin, y: top + 2, width, height: ROW - 4, rx: 2, class: bar.open ? "bar open" : "bar"}),
          svg("text", {x: begin + 3, y: top + 14}, bar.text.replace(`${name} `, "").slice(0, Math.max(0, Math.floor((width - 6) / 6))))));
      }
      y += ROW * (barRows + 1);
    }
    const here = x(figure.at);
    const ticks = toScale ? [0, 0.25, 0.5, 0.75, 1].map((part) => figure.from + (figure.to - figure.from) * part)
      : [figure.from, figure.to];
    for (const t of ticks) {
      const anchor = t === figure.from ? "start" : t === figure.to ? "end" : "middle";
      parts.push(svg("text", {x: x(t), y: y + 14, "text-anchor": anchor, class: "soft"}, span(Math.round(t - figure.at))));
    }
    parts.push(svg("line", {x1: here, x2: here, y1: 20, y2: y, class: "here"}),
      svg("text", {x: here, y: 14, class: "here", "text-anchor": here > WIDTH - 200 ? "end" : here < 200 ? "start" : "middle"},
        `${side.name}: ${time(figure.at)}`));
    return svg("svg", {
      viewBox: `0 0 ${WIDTH} ${y + 22}`, role: "img", class: "figure",
      "aria-label": `${side.name}: ${marks.length} events on ${names.length} lanes round ${time(figure.at)}; the list of events below tells the same`,
    }, ...parts);
  }

  function drawFigures(chapter) {
    const sides = chapter.sides.filter((side) => side.figure !== null);
    if (sides.length === 0) {
      return [];
    }
    const place = el("div", {class: "figures", tabindex: 0, role: "region", "aria-label": "Timing figure"});
    const choice = (label, toScale) => el("button", {type: "button", "aria-pressed": "false", onclick: () => show(toScale)}, label);
    const buttons = [choice("one step an event", false), choice("to scale", true)];
    function show(toScale) {
      buttons.forEach((button, index) => button.setAttribute("aria-pressed", String((index === 1) === toScale)));
      place.replaceChildren(...sides.map((side) => drawFigure(side, toScale)));
    }
    show(false);
    return [el("h3", {}, "Timing round it"), el("div", {class: "controls"}, el("div", {role: "group", "aria-label": "Time axis"}, ...buttons),
      el("span", {class: "soft"}, "│ driver  ● queue  ▲ interrupt  ■ device; a bar is a request, from its publication to its completion, or a wait")), place];
  }

  // --- Events, as many rows as fit

  const STATE = {same: ["=", "the same"], differs: ["≠", "differs"], own: ["", "not compared"]};

  function decode(events) {
    const rows = {left: [], right: []};
    const counts = {left: 0, right: 0};
    for (const shape of events.shape) {
      rows.left.push(shape & 1 ? counts.left++ : -1);
      rows.right.push(shape & 2 ? counts.right++ : -1);
    }
    const differs = new Set(events.differs);
    const backwards = new Map();
    events.partner.forEach((partner, index) => partner >= 0 && backwards.set(partner, index));
    return {rows, differs, backwards};
  }

  function drawEvents(chapter) {
    const events = chapter.events;
    if (events === null || events.shape.length === 0) {
      return [];
    }
    const {rows, differs, backwards} = decode(events);
    const single = chapter.sides.length === 1;
    const narrow = window.matchMedia("(max-width: 52rem)");
    const TAPS = ["driver", "device", "bench"];
    let visible = null, shownTap = "", search = "", onlyDifferent = false;

    const state = (row) => {
      const l = rows.left[row], r = rows.right[row];
      if (l < 0 || r < 0 || events.partner[l] !== events.right.n[r]) {
        return "own";
      }
      return differs.has(events.left.n[l]) ? "differs" : "same";
    };
    const moved = (row) => {
      const l = rows.left[row], r = rows.right[row];
      return (l >= 0 && events.partner[l] >= 0) || (r >= 0 && backwards.has(events.right.n[r]));
    };
    const different = (row) => row === events.at || state(row) === "differs" || (state(row) === "own" && moved(row)
      && rows.left[row] >= 0 && differs.has(events.left.n[rows.left[row]]));

    const list = el("div", {class: "rows", tabindex: 0, role: "table", "aria-label": "Events of both sides", id: "events"});
    const head = el("div", {class: "row head" + (single ? " single" : ""), role: "row"});
    const spacer = el("div", {class: "spacer", role: "rowgroup"});
    const info = el("span", {role: "status", id: "events-shown"});
    const headCell = (name, text) => el("span", {class: name, role: "columnheader"}, text);
    head.append(headCell("state", ""), ...chapter.sides.flatMap((side, index) => {
      const of = index === 0 ? "of-left" : "of-right";
      return [headCell("number " + of, "#"), headCell("number time " + of, "time"), headCell(of, side.name)];
    }));
    list.append(head, spacer);

    function cells(which, position, own) {
      const of = which === "left" ? " of-left" : " of-right";
      const cell = (name, text) => el("span", {class: name + of, role: "cell"}, text);
      if (position < 0) {
        return [cell("number", ""), cell("number time", ""), cell("", "")];
      }
      const column = events[which];
      const text = events.texts[column.text[position]];
      const partner = which === "left" ? events.partner[position]
        : backwards.has(column.n[position]) ? events.left.n[backwards.get(column.n[position])] : -1;
      const note = own && partner >= 0 ? ` ↔ #${partner}` : "";
      const look = own && partner < 0 ? "own" : "";
      const shown = cell(look, text + note);
      shown.title = `${TAPS[column.tap[position]] || "?"}: ${text}${note}`;
      return [cell("number", "#" + column.n[position]), cell("number time", time(column.t[position])), shown];
    }

    function draw() {
      const height = narrow.matches ? 48 : 24;
      const count = visible === null ? events.shape.length : visible.length;
      spacer.style.height = `${count * height}px`;
      list.setAttribute("aria-rowcount", String(count + 1));
      const first = Math.max(0, Math.floor(list.scrollTop / height) - 10);
      const last = Math.min(count, first + Math.ceil(list.clientHeight / height) + 30);
      const drawn = [];
      for (let i = first; i < last; ++i) {
        const row = visible === null ? i : visible[i];
        const how = state(row);
        const sign = row === events.at ? "▶ " + STATE[how][0] : STATE[how][0];
        drawn.push(el("div", {
          class: `row ${how}${row === events.at ? " at" : ""}${single ? " single" : ""}`, role: "row",
          "aria-rowindex": String(i + 2), style: `top:${i * height}px`,
        }, el("span", {class: "state", role: "cell", title: STATE[how][1]},
          single ? (row === events.at ? "▶" : "") : `${sign} ${how === "own" ? "" : STATE[how][1]}`),
        ...cells("left", rows.left[row], how === "own"),
        ...(single ? [] : cells("right", rows.right[row], how === "own"))));
      }
      spacer.replaceChildren(...drawn);
    }

    function choose() {
      const texts = search === "" ? null : events.texts.map((text) => text.toLowerCase().includes(search));
      const fits = (which, row) => {
        const position = rows[which][row];
        return position >= 0 && (texts === null || texts[events[which].text[position]])
          && (shownTap === "" || TAPS[events[which].tap[position]] === shownTap);
      };
      visible = null;
      if (texts !== null || shownTap !== "" || onlyDifferent) {
        visible = [];
        for (let row = 0; row < events.shape.length; ++row) {
          if ((fits("left", row) || fits("right", row)) && (!onlyDifferent || different(row))) {
            visible.push(row);
          }
        }
      }
      const shown = visible === null ? events.shape.length : visible.length;
      const missing = events.rows - events.shape.length;
      info.textContent = `${shown} of ${events.shape.length} rows` + (missing === 0 ? ""
        : `; ${missing} more are in the logs: ${events.first} before these, ${missing - events.first} after`);
      draw();
    }

    function goTo(row) {
      if (row < 0) {
        return;
      }
      const place = visible === null ? row : visible.findIndex((one) => one >= row);
      list.scrollTop = Math.max(0, place * (narrow.matches ? 48 : 24) - list.clientHeight / 2);
      draw();
    }
    function next(direction) {
      const height = narrow.matches ? 48 : 24;
      const middle = Math.floor((list.scrollTop + list.clientHeight / 2) / height);
      const total = visible === null ? events.shape.length : visible.length;
      for (let i = middle + direction; i >= 0 && i < total; i += direction) {
        if (different(visible === null ? i : visible[i])) {
          goTo(visible === null ? i : visible[i]);
          return;
        }
      }
    }

    let waiting = false;
    list.addEventListener("scroll", () => {
      if (!waiting) {
        waiting = true;
        requestAnimationFrame(() => {
          waiting = false;
          draw();
        });
      }
    });
    narrow.addEventListener("change", draw);
    const button = (label, onclick) => el("button", {type: "button", onclick}, label);
    const tap = el("select", {onchange: (event) => { shownTap = event.target.value; choose(); }},
      el("option", {value: ""}, "all"), ...TAPS.map((name) => el("option", {value: name}, name)));
    const controls = el("div", {class: "controls"},
      events.at >= 0 ? button(single ? "To the event" : "To the divergence", () => goTo(events.at)) : null,
      single ? null : button("Previous difference", () => next(-1)),
      single ? null : button("Next difference", () => next(1)),
      single ? null : el("label", {}, el("input", {
        type: "checkbox", id: "only-different", onchange: (event) => { onlyDifferent = event.target.checked; choose(); },
      }), " differences only"),
      el("label", {}, "Seen by ", tap),
      el("label", {}, "Search ", el("input", {
        type: "search", id: "search", oninput: (event) => { search = event.target.value.toLowerCase(); choose(); },
      })), info);
    // Sizes are known once it is in the page.
    requestAnimationFrame(() => {
      choose();
      goTo(events.at);
    });
    return [el("h3", {}, "Events"), controls, list];
  }

  // --- Requests in flight

  function drawFlight(side, flight, end) {
    const height = 70, top = 8, room = WIDTH - LABEL - 12;
    const x = (t) => LABEL + room * t / Math.max(end, 1);
    const y = (n) => top + (height - top - 16) * (1 - n / Math.max(flight.most, 1));
    let path = "", before = 0;
    for (const [t, n] of flight.points) {
      path += `${path === "" ? "M" : "L"}${x(t).toFixed(1)} ${y(before).toFixed(1)}L${x(t).toFixed(1)} ${y(n).toFixed(1)}`;
      before = n;
    }
    path += `L${x(end)} ${y(before).toFixed(1)}`;
    const at = side.figure === null ? [] : [svg("line", {x1: x(side.figure.at), x2: x(side.figure.at), y1: 0, y2: height - 14, class: "here"})];
    return svg("svg", {
      viewBox: `0 0 ${WIDTH} ${height}`, role: "img",
      "aria-label": `${side.name}, queue ${flight.queue}: at most ${flight.most} requests in flight during ${time(end)}`,
    }, svg("path", {d: `${path}L${x(end)} ${y(0)}L${x(0)} ${y(0)}Z`, class: "area"}), svg("path", {d: path, class: "curve"}),
    svg("text", {x: 6, y: 20}, side.name), svg("text", {x: 6, y: 36}, `queue ${flight.queue}`),
    svg("text", {x: 6, y: 52, class: "soft"}, `at most ${flight.most}`),
    svg("text", {x: LABEL, y: height - 3, class: "soft"}, "0"),
    svg("text", {x: WIDTH - 6, y: height - 3, class: "soft", "text-anchor": "end"}, time(end)), ...at);
  }

  function drawFlights(chapter) {
    const drawn = [];
    const queues = new Set(chapter.sides.flatMap((side) => side.flights.queues.map((flight) => flight.queue)));
    for (const queue of queues) {  // both sides of a queue under each other
      for (const side of chapter.sides) {
        const flight = side.flights.queues.find((one) => one.queue === queue);
        drawn.push(...(flight ? [drawFlight(side, flight, side.flights.end)] : []));
      }
    }
    const missing = chapter.sides.reduce((most, side) => Math.max(most, side.flights.left_out), 0);
    return drawn.length === 0 ? [] : [el("h3", {}, "Requests in flight"),
      missing === 0 ? null : el("p", {class: "soft"}, `${missing} more queues are in the waves`),
      el("div", {class: "figures", tabindex: 0, role: "region", "aria-label": "Requests in flight"}, ...drawn)];
  }

  // --- The rest of a scenario

  function drawQuirks(chapter) {
    return chapter.quirks.length === 0 ? [] : [el("h3", {}, "Quirks that fired"),
      simpleTable(["Side", "Quirk", "Clause", "Times"],
        chapter.quirks.map((quirk) => [quirk.side, quirk.name, quirk.clause, String(quirk.count)]), [3])];
  }

  function drawFindings(chapter) {
    return chapter.findings.length === 0 ? [] : [el("h3", {}, "What the monitors found"),
      simpleTable(["Side", "Broken by", "Clause", "First at", "What", "Times"], chapter.findings.map((one) =>
        [one.side, one.by, clauseOf(one), `#${one.n} ${time(one.t)}`, one.text, String(one.count)]), [5])];
  }

  function command(line) {
    const button = el("button", {
      type: "button",
      onclick: async () => {
        await navigator.clipboard.writeText(line);
        button.textContent = "Copied";
      },
    }, "Copy");
    return el("div", {class: "controls"}, el("pre", {}, line), navigator.clipboard ? button : null);
  }

  function drawAgain(chapter) {
    const files = chapter.directory === "" ? [] : [el("p", {}, "Logs, waves and GTKWave's save files: ",
      el("a", {href: encodeURIComponent(chapter.directory) + "/"}, chapter.directory + "/"))];
    return chapter.reproduce.length + files.length === 0 ? [] : [el("h3", {}, "How to see it again"),
      ...chapter.reproduce.map(command), ...files];
  }

  function drawChapter(chapter) {
    current = chapter;
    for (const row of byId("verdicts").tBodies[0].rows) {
      row.setAttribute("aria-selected", String(row.dataset.name === chapter.name));
    }
    byId("chapter").replaceChildren(...[
      el("h2", {}, badge(chapter.verdict), " ", chapter.name, el("span", {class: "soft"}, chapter.machine === "" ? "" : ` on ${chapter.machine}`)),
      chapter.reason === "" || chapter.divergence !== null ? null : el("p", {class: "box " + looks(chapter.verdict)[0]}, chapter.reason),
      ...(chapter.divergence === null ? [] : drawDivergence(chapter)),
      ...drawAgain(chapter), ...drawFigures(chapter), ...drawEvents(chapter), ...drawFlights(chapter),
      ...drawQuirks(chapter), ...drawFindings(chapter),
    ].filter((part) => part !== null));
  }

  // --- The whole run

  function drawWhole() {
    const waivers = page.waivers.map((one) => [one.clause, one.reason,
      [one.scenario, one.kind, one.subject, one.field].filter((part) => part !== "").join(" / "),
      one.decided_by, one.expires, String(one.hits)]);
    byId("whole").append(el("h2", {}, "The whole run"),
      el("dl", {}, ...definition("command", el("code", {}, page.command)), ...definition("Ringside", page.version),
        ...definition(page.right === "" ? "target" : "left", page.left), ...definition("right", page.right)),
      ...page.remarks.map((remark) => el("p", {class: "box warn"}, `! ${remark}`)),
      el("h3", {}, "Waivers"), waivers.length === 0 ? el("p", {class: "soft"}, "none in force")
        : simpleTable(["Clause", "Reason", "Matches", "Decided by", "Expires", "Hits"], waivers, [5]));
  }

  function follow() {
    const name = decodeURIComponent(window.location.hash.slice(1));
    const chosen = chapters.find((chapter) => chapter.name === name);
    if (chosen && chosen !== current) {
      drawChapter(chosen);
      byId("chapter").focus({preventScroll: true});
      byId("chapter").scrollIntoView();
    }
  }

  drawHead();
  drawChips();
  drawVerdicts();
  byId("filter").addEventListener("input", (event) => {
    table.words = event.target.value.toLowerCase();
    drawVerdicts();
  });
  const first = chapters.find((chapter) => looks(chapter.verdict)[0] === "bad")
    || chapters.find((chapter) => looks(chapter.verdict)[0] === "warn") || chapters[0];
  if (first) {
    drawChapter(first);
  }
  drawWhole();
  window.addEventListener("hashchange", follow);
  follow();
})();
