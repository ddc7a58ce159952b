"""The page's own style. Colours are palette.py's, the picture's are drawing.py's."""

from __future__ import annotations

from fleet.plan.palette import STYLE as COLOURS
from fleet.plan.picture.drawing import STYLE as PICTURE

_BODY = (
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,'DejaVu Sans',sans-serif}"
    "main,header{max-width:100rem;margin:0 auto;padding:0 clamp(.75rem,3vw,2.5rem)}"
    "h1{font-size:1.5rem;margin:1.25rem 0 .25rem;overflow-wrap:anywhere}"
    "h2{font-size:1.2rem;margin:2rem 0 .5rem}p{max-width:50rem;margin:.4rem 0;overflow-wrap:anywhere}"
    "a{color:var(--mild)}"
    "code{font-family:ui-monospace,'DejaVu Sans Mono',monospace;font-size:.9em;overflow-wrap:anywhere}"
    ".verdict{font-size:1.15rem;font-weight:700}.soft{color:var(--quiet)}"
    ".refused{border:3px solid var(--grave);border-radius:4px;padding:.5rem 1rem;margin:1rem 0}"
    ".refused ul{padding-inline-start:1.2rem;margin:.25rem 0}.refused h2{margin:.25rem 0}"
    ".refused li{overflow-wrap:anywhere}"
)
_TABLES = (
    ".scroll{overflow-x:auto;border:1px solid var(--line);border-radius:4px}"
    ".scroll:focus-visible,a:focus-visible{outline:3px solid var(--mild);outline-offset:2px}"
    "table{border-collapse:collapse;width:100%;font-size:.9rem}"
    "caption{text-align:start;padding:.5rem .75rem;color:var(--quiet)}"
    "th,td{text-align:start;vertical-align:top;padding:.4rem .75rem;border-top:1px solid var(--line)}"
    "th{white-space:nowrap}thead th{background:var(--panel)}"
    "th a,td a{display:inline-block;min-height:24px;min-width:24px}"
    "td.why{min-width:16rem}td ul{margin:0;padding-inline-start:1.1rem}td.number{text-align:end;white-space:nowrap}"
    "tr:target{outline:3px solid var(--mild);outline-offset:-3px}"
    ".sign{font-weight:700;white-space:nowrap}"
    + "".join(f".sign.{tone}{{color:var(--{tone})}}" for tone in ("quiet", "mild", "firm", "new", "grave"))
    + ".bar{display:block;height:1rem;border:2px solid var(--ink);background:var(--panel);min-width:4px}"
    ".bar.unsafe{border-style:dashed;border-color:var(--grave)}td.time{min-width:14rem;width:40%}"
)
_PICTURE = (
    ".topology{display:block;width:100%;height:auto}#narrow{display:none}"
    "@media (max-width:45rem){#narrow{display:block}#wide{display:none}}"
    ".legend{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;padding:0;list-style:none;font-size:.9rem}"
)
_PRINT = (
    "@media print{body{font-size:10pt}.scroll{overflow:visible;border:0}tr,.topology,.refused{break-inside:avoid}"
    "#narrow{display:none}#wide{display:block}h2{break-after:avoid}"
    ".bar,thead th{print-color-adjust:exact}}"
)

STYLE = COLOURS + _BODY + _TABLES + PICTURE + _PICTURE + _PRINT
"""All of it."""
