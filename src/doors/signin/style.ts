import { html } from './html.ts';

/** The one style of every page. Light and dark as the browser prefers; nothing is loaded from anywhere. */
export const STYLE = html`
:root { color-scheme: light dark; --back: #f4f5f2; --card: #ffffff; --ink: #1b211e; --soft: #59625d; --line: #d9ddd8; --edge: #848d88;
  --main: #1f5a4a; --over: #17463a; --on-main: #ffffff; --tint: #e8f0ec; --warn: #8a2f1d; --warn-tint: #fbeeea; }
@media (prefers-color-scheme: dark) {
  :root { --back: #121514; --card: #1a1e1c; --ink: #e9edea; --soft: #a3ada7; --line: #2d3330; --edge: #76807b;
    --main: #8fcdb6; --over: #aadcc9; --on-main: #0e2019; --tint: #20302a; --warn: #f0a692; --warn-tint: #33211c; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: flex; flex-direction: column; background: var(--back); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", sans-serif; overflow-wrap: anywhere; }
header, main, footer { width: 100%; max-width: 26rem; margin: 0 auto; padding: 0 1.25rem; }
.wide header, .wide main, .wide footer { max-width: 46rem; }
header { display: flex; align-items: center; gap: .6rem; padding-top: clamp(1.5rem, 9vh, 5rem); padding-bottom: 1.1rem; font-weight: 600; }
.wide header { padding-top: 2rem; }
header svg { flex: none; width: 1.6rem; height: 1.6rem; color: var(--main); }
header span { color: var(--soft); font-weight: 400; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .9rem; padding: clamp(1.25rem, 5vw, 2rem);
  box-shadow: 0 1px 2px rgb(0 0 0 / .04), 0 8px 28px rgb(0 0 0 / .05); }
.card + .card { margin-top: 1.25rem; }
h1 { margin: 0; font-size: 1.45rem; line-height: 1.25; letter-spacing: -.01em; }
h2 { margin: 0 0 1rem; font-size: 1.05rem; line-height: 1.3; }
p { margin: .5rem 0 0; }
p.lead { margin-top: .9rem; font-size: 1.1rem; }
.soft { color: var(--soft); }
.small { font-size: .875rem; }
form, .go { margin: 1.4rem 0 0; }
label { display: block; margin-bottom: .35rem; font-weight: 500; }
input { display: block; width: 100%; min-height: 2.9rem; padding: .5rem .8rem; border: 1px solid var(--edge); border-radius: .55rem;
  background: var(--card); color: inherit; font: inherit; }
button, .button { display: block; width: 100%; min-height: 2.9rem; padding: .6rem 1rem; border: 1px solid transparent; border-radius: .55rem;
  background: var(--main); color: var(--on-main); font: inherit; font-weight: 600; text-align: center; text-decoration: none; cursor: pointer; }
button:hover, .button:hover { background: var(--over); }
input:not([type=hidden]) + button { margin-top: .8rem; }
button + button { margin-top: .6rem; }
button.quiet { border-color: var(--edge); background: transparent; color: inherit; font-weight: 500; }
button.quiet:hover { background: var(--tint); }
:focus-visible { outline: 3px solid var(--main); outline-offset: 2px; }
a { color: var(--main); text-underline-offset: .2em; }
code { font: .9em ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
.or { display: flex; align-items: center; gap: .8rem; margin: 1.4rem 0 0; color: var(--soft); font-size: .875rem; }
.or::before, .or::after { content: ""; flex: 1; border-top: 1px solid var(--line); }
.or + form { margin-top: 1.1rem; }
.go + p { margin-top: 1rem; }
.note { margin: 1.2rem 0 0; padding: .7rem .9rem; border-radius: .55rem; background: var(--tint); }
.warn { background: var(--warn-tint); color: var(--warn); }
footer { margin-top: auto; padding-top: 1.5rem; padding-bottom: 1.75rem; color: var(--soft); font-size: .875rem; }
footer a { color: inherit; }
.top { display: flex; flex-wrap: wrap; align-items: flex-start; justify-content: space-between; gap: 1rem; }
.top > div { flex: 1 1 13rem; }
.top form, li form { margin: 0; flex: none; }
.top button, li button { width: auto; min-height: 2.5rem; padding: .4rem .9rem; }
dl { margin: 1.5rem 0 0; display: grid; grid-template-columns: 8rem 1fr; gap: .8rem 1rem; }
dt { color: var(--soft); }
dd { margin: 0; }
ul { list-style: none; margin: 0; padding: 0; }
ul.tags { display: flex; flex-wrap: wrap; gap: .35rem; }
.tags li { padding: .1rem .6rem; border-radius: 1rem; background: var(--tint); font-size: .9rem; }
.rows li { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: .6rem 1rem; padding: .9rem 0; border-top: 1px solid var(--line); }
.rows li > div { flex: 1 1 11rem; }
.rows li:last-child { padding-bottom: 0; }
.here { display: inline-block; padding: .1rem .5rem; border-radius: 1rem; background: var(--tint); color: var(--main); font-size: .8rem; font-weight: 600; white-space: nowrap; }
details { margin-top: .6rem; }
summary { cursor: pointer; color: var(--soft); }
details ul { margin-top: .6rem; }
@media (max-width: 30rem) { dl { grid-template-columns: 1fr; gap: .15rem; } dd { margin-bottom: .75rem; } }
`;
