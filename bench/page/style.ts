// How a report page looks: light and dark, on paper, on a narrow window. One string, since a page is one file.

export const style = `
:root {
  color-scheme: light dark;
  --page: #fff; --ink: #1d2126; --soft: #646c75; --line: #dfe3e7; --panel: #f5f7f8; --good: #1a7f4b; --bad: #c62f10; --bar: #8fa5b8; --other: #1565c0;
  --heat-0: #e6eaed; --heat-1: #c3ccd3; --heat-2: #f9a825; --heat-3: #ec5f0b; --heat-4: #c1121f; --heat-5: #6a040f; --heat-nan: #1565ff;
  --hue-1: #2a6fb3; --hue-2: #d9721f; --hue-3: #2f8f5b; --hue-4: #a5489a; --hue-5: #b8920d; --hue-6: #4fa3c4; --hue-7: #8c564b;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #14171a; --ink: #e4e7ea; --soft: #98a1aa; --line: #30363c; --panel: #1c2024; --good: #52c58a; --bad: #ff7a59; --bar: #5f7587; --other: #6db1ff;
    --heat-0: #23292e; --heat-1: #3a444c; --heat-2: #c77700; --heat-3: #ff6d1f; --heat-4: #ff4545; --heat-5: #ff7ae0; --heat-nan: #4d8dff;
    --hue-1: #6aa9e8; --hue-2: #f0975a; --hue-3: #62c493; --hue-4: #d88acb; --hue-5: #dfc14e; --hue-6: #84d0ea; --hue-7: #c99a8d;
  }
}
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 72rem; padding: 2rem 1.5rem 4rem; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; }
h2 { font-size: 1.15rem; margin: 2.5rem 0 .5rem; }
h2 small { color: var(--soft); font-weight: 400; }
h3 { font-size: 1rem; margin: 0; }
section > h3 { margin: 1.4rem 0 .3rem; }
nav { display: flex; flex-wrap: wrap; gap: .2rem 1rem; font-size: .87rem; }
a { color: inherit; }
.verdict { font-size: 1.1rem; margin: .25rem 0 1rem; padding-left: .75rem; border-left: .3rem solid var(--good); }
.verdict.failed { border-color: var(--bad); }
.verdict b { color: var(--good); }
.verdict.failed b, .over { color: var(--bad); font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 0; font-size: .9rem; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .87rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: baseline; }
thead th { color: var(--soft); font-weight: 400; white-space: nowrap; }
tbody th { font-weight: 600; white-space: nowrap; }
.again { color: var(--soft); font-weight: 400; }
.figure { white-space: nowrap; }
.number { text-align: right; white-space: nowrap; }
.where { color: var(--soft); min-width: 14rem; overflow-wrap: anywhere; }
.bar { display: inline-block; position: relative; width: 9rem; height: .7rem; margin-right: .6rem; background: linear-gradient(var(--line), var(--line)) 0 50% / 100% 1px no-repeat; }
.bar i { position: absolute; inset: 0 auto 0 0; background: var(--bar); }
.bar::after { content: ""; position: absolute; left: calc(var(--limit) - 1px); top: -.2rem; bottom: -.2rem; border-left: 2px solid var(--ink); }
.over .bar i { background: var(--bad); }
.note { color: var(--soft); font-size: .87rem; margin: 0 0 .5rem; }
article { margin: 1rem 0 1.5rem; padding: 1rem; background: var(--panel); border-radius: .4rem; --page: var(--panel); }
article p { margin: .4rem 0; overflow-wrap: anywhere; }
pre { margin: .4rem 0; padding: .5rem .7rem; border: 1px solid var(--line); border-radius: .25rem; font: .82rem/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
pre code { font: inherit; user-select: all; }
del { color: var(--bad); text-decoration: none; } ins { color: var(--good); text-decoration: none; }
figure { margin: .8rem 0 .2rem; }
figcaption { color: var(--soft); font-size: .87rem; }
svg { max-width: none; overflow: visible; }
svg rect { shape-rendering: crispEdges; }
svg text { font-size: 11px; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1rem; margin: .5rem 0 0; padding: 0; list-style: none; font-size: .82rem; color: var(--soft); }
.legend i { display: inline-block; width: 1.4rem; height: .7rem; margin-right: .35rem; }
.plots { display: flex; flex-wrap: wrap; gap: .4rem 1.2rem; overflow-x: auto; }
.plots figure { margin: .4rem 0; }
.plots .chart { flex: 1 1 100%; min-width: 0; }
.chart svg { min-width: 48rem; max-width: 100%; height: auto; }
.dense thead th { vertical-align: bottom; }
.dense td.where { min-width: 6rem; }
#networks td:nth-child(2) { min-width: 0; white-space: nowrap; }
summary { cursor: pointer; }
section > details > summary { margin: .6rem 0 .3rem; font-weight: 600; }
@media screen {
  #published-elsewhere tbody th { min-width: 13rem; white-space: normal; }
  #published-elsewhere td.where { min-width: 9rem; }
  #published-elsewhere td.where:nth-child(5) { min-width: 16rem; }
  #published-elsewhere td.where:nth-child(6) { min-width: 12rem; }
}
#best thead th { white-space: normal; vertical-align: bottom; }
.tied td { font-weight: 600; }
.messages { margin: .2rem 0; padding-left: 1.2rem; white-space: pre-wrap; }
.ring { display: inline-block; width: .8em; height: .8em; border: 2px solid currentColor; border-radius: 50%; vertical-align: -.08em; }
@media (max-width: 40rem) {
  body { padding: 1rem .75rem 3rem; }
  .bar { width: 5rem; }
  article { padding: .7rem; }
  svg { max-width: 100%; height: auto; }
  svg text { font-size: 18px; }
  .plots svg text { font-size: 13px; }
  .plots .panel svg text { font-size: 11px; }
  .plots .wide svg { min-width: 42rem; }
  .dense th { white-space: normal; }
  .heat svg g:has(> text:nth-child(6)) > text:not(:nth-child(4n + 1)) { display: none; }
}
@media print {
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  .scroll { overflow: visible; }
  svg { max-width: 100%; height: auto; }
  figure, tr { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .where { min-width: 0; }
  .plots { overflow: visible; }
  .half { flex: 1 1 40%; min-width: 0; }
  :is(.half, .wide) svg text { font-size: 14px; }
  .chart svg { min-width: 0; }
  .chart svg text { font-size: 13px; }
  #best table, .dense { font-size: 7.5pt; }
  :is(#best, .dense) :is(td, th) { padding-right: .4rem; }
  .dense :is(th, td) { white-space: normal; min-width: 0; }
  nav { display: none; }
  ::details-content { content-visibility: visible; block-size: auto; }
  .bar { width: 5rem; }
}
`;
