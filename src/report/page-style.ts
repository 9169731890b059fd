/** The style sheet and the one script of a report page. Nothing is loaded from anywhere. */

export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --card: #ffffff; --ink: #23282d; --muted: #646c74; --line: #cfd3d6; --grid: #e9e8e3;
  --mark: #2b6a99; --tcg: #8a5a9e; --link: #1d5c8a; --note: #f4efdf; --note-line: #d8c68f; --bad: #a63d2f;
  --spawned: #3d5a80; --rooted: #6f9bc4; --exec: #7fc0b2; --firstByte: #e9c46a; --ready: #e39a5b; --exited: #b5676f; --clean: #86779e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15181b; --card: #1c2024; --ink: #e4e6e7; --muted: #9aa3ab; --line: #444b52; --grid: #2a2f34;
    --mark: #6cb0e0; --tcg: #c39ad6; --link: #8cc4ec; --note: #2a2717; --note-line: #5d5430; --bad: #f0907f;
    --spawned: #5f83b3; --rooted: #86b3dd; --exec: #7fc0b2; --firstByte: #e3c06d; --ready: #dd9a60; --exited: #c27a82; --clean: #9d8fb8;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 1024px; margin: 0 auto; padding: 40px 32px 80px; overflow-wrap: anywhere; }
h1 { font-size: 30px; line-height: 1.2; font-weight: 650; letter-spacing: -0.01em; margin: 4px 0 10px; }
h2 { font-size: 20px; line-height: 1.3; font-weight: 650; margin: 56px 0 6px; }
h3 { font-size: 16px; margin: 24px 0 4px; }
p { margin: 6px 0 12px; max-width: 72ch; }
a { color: var(--link); text-underline-offset: 2px; text-decoration-thickness: 1px; }
a:focus-visible, summary:focus-visible, .scroll:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 3px; }
.eyebrow, .meta, figcaption, .quiet { color: var(--muted); font-size: 14px; }
.eyebrow { letter-spacing: 0.02em; }
.question { font-size: 18px; color: var(--muted); }
.meta { margin-top: 14px; }
.note { background: var(--note); border: 1px solid var(--note-line); border-radius: 8px; padding: 10px 16px; margin: 20px 0; max-width: none; }
.findings { list-style: none; margin: 14px 0; padding: 0; border-top: 1px solid var(--grid); }
.findings li { padding: 10px 0; border-bottom: 1px solid var(--grid); font-size: 17px; }
.findings a { font-size: 14px; white-space: nowrap; }
.findings strong { font-weight: 650; }
figure { margin: 16px 0 0; padding: 18px 16px 10px; background: var(--card); border: 1px solid var(--grid); border-radius: 10px; }
figure svg { display: block; width: 100%; height: auto; }
figcaption { margin: 0 0 10px; padding: 0 4px; }
.narrow { display: none; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; padding: 0 4px; margin: 0 0 10px; font-size: 14px; color: var(--muted); }
.legend i { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 6px; vertical-align: -1px; }
details { margin: 10px 0; }
summary { cursor: pointer; color: var(--link); font-size: 15px; padding: 4px 0; }
.scroll { overflow-x: auto; margin: 8px 0; border: 1px solid var(--grid); border-radius: 8px; background: var(--card); position: relative; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
th, td { padding: 6px 12px; text-align: left; vertical-align: top; border-bottom: 1px solid var(--grid); overflow-wrap: normal; }
tbody tr:last-child > * { border-bottom: 0; }
thead th { font-weight: 600; color: var(--muted); white-space: nowrap; }
tbody th { font-weight: 600; white-space: nowrap; }
.number { text-align: right; white-space: nowrap; }
td.text { min-width: 180px; }
.differences :is(thead th, tbody th) { white-space: normal; }
.differences :is(th, td) + :is(th, td) { border-left: 1px solid var(--grid); min-width: 118px; }
.differences tbody th { width: 120px; min-width: 100px; }
th:target { background: var(--note); color: var(--ink); }
code, pre { font: 14px/1.5 ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, monospace; }
pre { background: var(--card); border: 1px solid var(--grid); border-radius: 8px; padding: 12px 16px; overflow-x: auto; margin: 8px 0; }
.bad { color: var(--bad); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 10px 0; }
dt { color: var(--muted); }
dd { margin: 0; }
:target { scroll-margin-top: 16px; }
@media (max-width: 700px) {
  main { padding: 24px 16px 56px; }
  h1 { font-size: 25px; }
  h2 { margin-top: 44px; }
  .wide { display: none; }
  .narrow { display: block; }
  figure { padding: 14px 8px 8px; }
  dl { grid-template-columns: 1fr; gap: 0; }
  dd { margin-bottom: 8px; }
  th, td { padding: 6px 10px; }
}
@media print { .wide { display: block; } .narrow { display: none; } main { max-width: none; padding: 0; } figure { break-inside: avoid; } }
`;

/** A link to rows inside a folded section opens it, also where the browser does not do so by itself. */
export const PAGE_SCRIPT = `
const unfold = () => {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  for (let at = target; at; at = at.parentElement) if (at.localName === 'details') at.open = true;
  if (target) target.scrollIntoView();
};
addEventListener('hashchange', unfold);
unfold();
`;
