"""How a page looks: light and dark, on a phone, on paper."""

STYLE = """
:root { color-scheme: light dark; --ink: #1c1e21; --pale: #6a7078; --line: #d9dce0; --paper: #fff;
  --same: #1a7f4b; --rounding: #9a6700; --different: #c4302b; --out: #a9b7c9; --alone: #31629c; --tint: #fdeceb; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e6ea; --pale: #9aa1ab; --line: #3a3f46; --paper: #16181b;
  --same: #4cc38a; --rounding: #d9a441; --different: #ff7b72; --out: #56657a; --alone: #7fb0ee; --tint: #3a1f1f; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 64rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; border-left: .4rem solid; padding-left: .75rem; margin-bottom: 1rem; }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { margin: .4rem 0; max-width: 60rem; overflow-wrap: anywhere; }
h1.same { border-color: var(--same); } h1.rounding { border-color: var(--rounding); }
h1.different { border-color: var(--different); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top;
  white-space: nowrap; }
th { color: var(--pale); font-weight: 500; vertical-align: bottom; }
td:first-child, td:nth-child(2), th:first-child, th:nth-child(2), td:nth-child(3), th:nth-child(3) { text-align: left; }
.layers td:first-child { color: var(--different); } .layers tr.rounding td:first-child { color: var(--rounding); }
.cause { font-size: 1.1rem; }
td b { font-weight: 500; } td i, small { color: var(--pale); font-style: normal; }
.layers td:nth-child(2) { white-space: normal; overflow-wrap: anywhere; min-width: 7rem; max-width: 22rem; }
tr.first td { background: var(--tint); }
svg { display: block; overflow: visible; }
svg text { font-size: 10px; fill: var(--pale); text-anchor: middle; }
rect.out { fill: var(--out); } rect.alone { fill: var(--alone); } tr.different rect.alone { fill: var(--different); }
path { stroke-width: 1.5; fill: none; stroke: var(--pale); } path.most { stroke: var(--ink); stroke-dasharray: 2 2; }
p.legend { max-width: none; color: var(--pale); font-size: .875rem; }
.legend span { margin-right: 1.25rem; white-space: nowrap; }
.legend span::before { content: ""; display: inline-block; width: 1rem; height: .5rem; margin-right: .4rem; }
.legend .out::before { background: var(--out); } .legend .alone::before { background: var(--alone); }
.legend .in::before, .legend .most::before { width: 0; height: .9rem; vertical-align: -.15rem;
  border-left: 2px solid var(--pale); }
.legend .most::before { border-left: 2px dashed var(--ink); }
pre { font-size: .8125rem; overflow-x: auto; }
footer { color: var(--pale); font-size: .8125rem; margin-top: 2rem; }
@media (max-width: 45rem) { body { margin: 1rem auto; } .wide { display: none; }
  th, td { padding-right: .4rem; } .legend span { white-space: normal; } }
@media print { body { margin: 0; max-width: none; font-size: 11px; } .scroll { overflow: visible; }
  tr { break-inside: avoid; } thead { display: table-header-group; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
