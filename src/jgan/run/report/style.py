"""How a report looks, light or dark as the reader's system is, and what it does when a pointer is over a chart."""

STYLE = """
:root { color-scheme: light dark; --paper: #fff; --ink: #1a1a1a; --quiet: #666; --rule: #e5e5e5; --block: #f7f7f7; --warn: #fff7ed;
  --c0: #1f5fa8; --c1: #c8501e; --c2: #2e8540; --c3: #7a4fa3; --c4: #8a6d00; --c5: #4d4d4d; --c6: #b0306a; --c7: #00808a }
@media (prefers-color-scheme: dark) { :root { --paper: #16181c; --ink: #e8e8e8; --quiet: #9aa0a8; --rule: #33373d; --block: #1f2227;
  --warn: #3a2415; --c0: #6aa9f0; --c1: #f08a5b; --c2: #6cc47f; --c3: #b795e0; --c4: #d3b64a; --c5: #b5b5b5; --c6: #ec7fae;
  --c7: #4fc3cc } }
.c0 { --c: var(--c0) } .c1 { --c: var(--c1) } .c2 { --c: var(--c2) } .c3 { --c: var(--c3) } .c4 { --c: var(--c4) } .c5 { --c: var(--c5) }
.c6 { --c: var(--c6) } .c7 { --c: var(--c7) }
body { margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 72rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif }
h1 { font-size: 1.6rem; margin: 0; font-weight: 600 }
h2 { font-size: 1.1rem; margin: 2.5rem 0 .8rem; font-weight: 600; border-bottom: 1px solid var(--rule); padding-bottom: .3rem }
.name { color: var(--quiet); margin: .1rem 0 1.2rem; overflow-wrap: anywhere }
.warning { margin: .3rem 0; padding: .5rem .9rem; border-left: 4px solid #c2410c; background: var(--warn) }
.facts { display: flex; flex-wrap: wrap; gap: .6rem 2.2rem; margin: 0 }
.facts dt { color: var(--quiet); font-size: .8rem } .facts dd { margin: 0; font-size: 1.15rem; font-variant-numeric: tabular-nums }
.origin { color: var(--quiet); font-size: .85rem; margin: 1rem 0 0; overflow-wrap: anywhere }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); gap: 1.6rem 1.4rem }
.small { grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); margin-top: 1.6rem }
figure { margin: 0 } figcaption, summary { font-size: .85rem; color: var(--quiet); overflow-wrap: anywhere }
summary { margin-top: 1.4rem; cursor: pointer } figcaption b { font-weight: 600; color: var(--ink) }
.chart { position: relative } .chart label { float: right; margin-left: .5rem; cursor: pointer } .chart input { margin: 0 .25rem 0 0 }
.chart svg.logarithmic, .chart:has(input:checked) svg.linear { display: none } .chart:has(input:checked) svg.logarithmic { display: block }
.chart output { position: absolute; right: 4%; bottom: 58%; padding: .15rem .45rem; background: var(--block); border: 1px solid var(--rule);
  font-size: .75rem; font-variant-numeric: tabular-nums; pointer-events: none; white-space: pre; opacity: .93 }
.legend { margin-left: .5rem; display: inline-block } .legend i { display: inline-block; width: .9em; height: .2em; margin-right: .35em;
  vertical-align: middle; background: var(--c) }
svg { width: 100%; height: auto; display: block } svg text { font: 10px system-ui, sans-serif; fill: var(--quiet) }
.small svg text { font-size: 14px }
polyline { fill: none; stroke: var(--c); stroke-width: 1.5; stroke-linejoin: round } circle { fill: var(--c) }
.grid { stroke: var(--rule) } .axis { stroke: var(--quiet) }
img { image-rendering: pixelated; display: block; width: 100%; height: auto }
.pairs { display: grid; grid-template-columns: repeat(auto-fit, minmax(18rem, 34rem)); gap: 1.4rem }
.pairs > figure:only-child { grid-column: 1 / -1; display: grid; gap: 0 1.4rem;
  grid-template-columns: repeat(auto-fill, minmax(18rem, 34rem)) }
.pairs > figure:only-child figcaption { grid-column: 1 / -1 }
.stages { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: 1rem; margin-top: 1.4rem }
table { border-collapse: collapse; font-size: .85rem; width: 100%; max-width: 56rem } th { text-align: left; font-weight: 600 }
td, th { padding: .2rem .8rem .2rem 0; border-bottom: 1px solid var(--rule); vertical-align: top; overflow-wrap: anywhere }
td:first-child { color: var(--quiet); white-space: nowrap } td + td { font-family: ui-monospace, monospace }
"""

# Of each curve the point nearest to the pointer: a dot on it, its images and value in the figure's <output>.
SCRIPT = """
for (const svg of document.querySelectorAll(".chart svg")) {
  const box = svg.parentElement.querySelector("output"), drawing = "http://www.w3.org/2000/svg"
  const points = curve => curve.getAttribute("points") || curve.getAttribute("cx") + "," + curve.getAttribute("cy")
  const curves = [...svg.querySelectorAll("[data-values]")].map(curve => ({
    label: curve.dataset.label,
    colour: curve.getAttribute("class"),
    values: curve.dataset.values.split(" "),
    places: points(curve).split(" ").map(point => point.split(",").map(Number)),
  }))
  const clear = () => { box.hidden = true; svg.querySelectorAll(".dot").forEach(dot => dot.remove()) }
  svg.onpointerleave = clear
  svg.onpointermove = event => {
    clear()
    const frame = svg.getBoundingClientRect(), x = (event.clientX - frame.left) / frame.width * svg.viewBox.baseVal.width
    const lines = curves.map(curve => {
      const near = curve.places.reduce((best, p, i) => Math.abs(p[0] - x) < Math.abs(curve.places[best][0] - x) ? i : best, 0)
      const dot = document.createElementNS(drawing, "circle"), [images, value] = curve.values[near].split("=")
      const about = { class: "dot " + curve.colour, cx: curve.places[near][0], cy: curve.places[near][1], r: 3 }
      Object.entries(about).forEach(([name, value]) => dot.setAttribute(name, value))
      svg.append(dot)
      return images + "  " + value + (curve.label ? "  " + curve.label : "")
    })
    box.textContent = lines.join("\\n")
    box.hidden = false
  }
}
"""
