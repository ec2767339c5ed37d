"""The page's one style sheet: system fonts, light and dark, wide screens and phones."""

CSS = """
:root {
  --paper: #fbfaf7; --card: #ffffff; --ink: #1f2328; --soft: #5c636b; --line: #e2ded5;
  --accent: #0072b2; --left: #b04a00; --left-back: #fdf0e4;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16181b; --card: #1f2226; --ink: #e8e6e1; --soft: #a3a9b1; --line: #363b41;
    --accent: #6cc0f0; --left: #ffb27a; --left-back: #3a2a1d;
  }
}
* { box-sizing: border-box; }
html { color-scheme: light dark; -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
main { max-width: 1180px; margin: 0 auto; padding: 32px 24px 64px; }
h1, h2, h3 { font-family: Georgia, "Times New Roman", "DejaVu Serif", serif; line-height: 1.2; }
h1 { font-size: 2.1rem; margin: 0 0 4px; }
h2 { font-size: 1.4rem; margin: 48px 0 12px; }
h3 { font-size: 1.05rem; margin: 0 0 8px; }
p { max-width: 72ch; margin: 0 0 12px; }
.soft, figcaption, small { color: var(--soft); }
nav { font-size: .92rem; margin: 8px 0 20px; }
nav a { color: var(--accent); margin-right: 16px; white-space: nowrap; }
.tiles { display: grid; gap: 12px; grid-template-columns: repeat(auto-fill, minmax(208px, 1fr)); }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 12px 16px; }
.tile b { display: block; font-size: 1.6rem; line-height: 1.25; font-weight: 600;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.tile b.pair { font-size: 1.25rem; line-height: 1.6; }
.tile span { color: var(--soft); font-size: .88rem; display: block; line-height: 1.4; }
.tile .name { color: var(--ink); font-size: .92rem; }
figure { margin: 0 0 20px; background: #fff; border: 1px solid var(--line); border-radius: 10px;
  overflow: hidden; }
.frame { overflow-x: auto; padding: 12px; }
.frame img { display: block; width: 100%; height: auto; }
.wide .frame img { min-width: 640px; }
figcaption { background: var(--card); padding: 8px 16px 10px; font-size: .9rem;
  border-top: 1px solid var(--line); }
.pictures { display: grid; grid-template-columns: 1fr 1fr; gap: 0 20px; align-items: start; }
.pictures .wide { grid-column: 1 / -1; }
.pictures > * { min-width: 0; }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: 10px;
  background: var(--card); }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums; }
.scroll > table { min-width: 100%; }
th, td { padding: 5px 12px; text-align: right; border-bottom: 1px solid var(--line);
  vertical-align: bottom; white-space: nowrap; }
tr:last-child > * { border-bottom: 0; }
thead th { font-weight: 600; color: var(--soft); white-space: normal; min-width: 84px; }
th small { display: block; font-weight: 400; line-height: 1.25; }
tbody th { position: sticky; left: 0; background: var(--card); text-align: left;
  font-weight: 600; }
thead th:first-child { position: sticky; left: 0; background: var(--card); text-align: left; }
td.left { color: var(--left); background: var(--left-back); font-weight: 600; }
.narrow { max-width: 640px; }
.key { font-size: .88rem; margin: 8px 0 0; }
.key i { font-style: normal; color: var(--left); background: var(--left-back); padding: 0 5px;
  font-weight: 600; border-radius: 3px; }
.text { font-family: Georgia, "Times New Roman", "DejaVu Serif", serif; }
.witness { width: 100%; table-layout: fixed; }
.witness th, .witness td { text-align: left; vertical-align: top; white-space: normal;
  padding: 9px 14px; overflow-wrap: anywhere; }
.witness .g { width: 64px; min-width: 0; }
.witness thead th { color: var(--ink); }
.witness td small { display: block; margin-top: 2px; }
.strip { display: flex; gap: 2px; margin-top: 8px; }
.strip i { flex: 1; height: 10px; max-width: 20px; border-radius: 2px; }
.badge { display: inline-block; border-radius: 4px; padding: 1px 7px; margin-right: 8px;
  font: 700 .7rem/1.5 system-ui, sans-serif; letter-spacing: .04em; }
.PASS { background: #009e73; color: #fff; }
.WARN { background: #f0c44c; color: #221a00; }
.FAIL { background: #e07b1f; color: #1f0f00; }
.CRITICAL { background: #b3261e; color: #fff; }
.DEAD { background: #2b2b2b; color: #fff; outline: 1px solid #8a8a8a; outline-offset: -1px; }
.samples { display: grid; gap: 20px; grid-template-columns: repeat(auto-fit, minmax(270px, 1fr)); }
.samples blockquote { margin: 0 0 10px; padding: 10px 14px; background: var(--card);
  border-left: 3px solid var(--accent); border-radius: 0 8px 8px 0; font-size: .95rem;
  white-space: pre-wrap; overflow-wrap: anywhere; }
sup { line-height: 0; }
details { margin: 16px 0; }
summary { cursor: pointer; color: var(--accent); margin-bottom: 10px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 3px 20px; font-size: .9rem;
  margin: 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
@media (min-width: 721px) {
  .scroll > .witness { min-width: calc(64px + var(--prompts) * 240px); }
}
@media (max-width: 720px) {
  main { padding: 20px 14px 48px; }
  h1 { font-size: 1.6rem; }
  .tiles { grid-template-columns: 1fr 1fr; gap: 8px; }
  .tile { padding: 10px 12px; }
  .tile b, .tile b.pair { font-size: 1.15rem; }
  .pictures { grid-template-columns: 1fr; }
  .witness, .witness tbody, .witness tr, .witness td, .witness th { display: block; }
  .witness .g { width: auto; }
  .witness thead { display: none; }
  .witness td::before { content: attr(data-prompt); display: block; color: var(--soft);
    font: .8rem/1.4 system-ui, sans-serif; margin-bottom: 3px; }
  .witness tbody th { border-bottom: 0; padding-bottom: 0; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 8px; }
}
@media print {
  .scroll, .frame { overflow: visible; }
  h2 { break-after: avoid; }
  figure { break-inside: avoid; }
}
"""
