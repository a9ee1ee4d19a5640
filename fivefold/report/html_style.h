// The page's style sheet. Contrast of text on its ground is at least 4.5 in light and dark.
#pragma once

#include <string_view>

namespace fivefold {

inline constexpr std::string_view kStyle = R"css(
:root{--bg:#faf9f6;--card:#fff;--ink:#1b2025;--muted:#56616b;--line:#dde1e4;--left:#1263a8;--right:#b14d08;
--tint:#eef3f7;--p0:#3b78b5;--p1:#c9572f;--p2:#4c9a68;--p3:#8d6bb0;--p4:#c4962c;--p5:#7d8a95;--p6:#2f8f8b;--p7:#b0506f;--p8:#9a9a2e;--p9:#5a5f9e}
@media (prefers-color-scheme:dark){:root{--bg:#14181c;--card:#1c2228;--ink:#e8ecef;--muted:#a3aeb8;--line:#37414a;
--left:#6cb6f3;--right:#f0a667;--tint:#222b33;--p0:#6aa7e0;--p1:#ee8a63;--p2:#74c28f;--p3:#b99adb;--p4:#e2bb5c;--p5:#98a4ae;--p6:#5fc4bf;--p7:#df8aa6;--p8:#cfcf6b;--p9:#9aa0e0}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{max-width:1040px;margin:0 auto;padding:28px 20px 60px}
h1{font-size:1.9rem;line-height:1.2;margin:.2em 0 .1em}
h2{font-size:1.3rem;margin:2.4em 0 .3em}
h3{font-size:1rem;margin:1.4em 0 .3em}
p{margin:.4em 0;max-width:72ch}
a{color:var(--left)}
.brand{font-weight:600;letter-spacing:.04em;color:var(--muted)}
.sub,.small,.note{color:var(--muted)}
.small,.note{font-size:.88rem}
.answer{font-size:1.22rem;line-height:1.45;border-inline-start:5px solid var(--left);padding:.5em 0;padding-inline-start:.9em;margin:1.1em 0;max-width:64ch}
.left{color:var(--left)}.right{color:var(--right)}.muted{color:var(--muted)}
.legend{display:flex;flex-wrap:wrap;gap:.3em 1.4em;font-size:.9rem;margin:.5em 0 .8em}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(225px,1fr));gap:12px;margin:1.2em 0}
.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 14px}
.card .what{font-size:.88rem;color:var(--muted)}
.card .ratio{font-size:1.65rem;font-weight:650;line-height:1.3}
.card .pair{font-size:.9rem}
.panel{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px 16px;margin:.8em 0}
.rows{display:grid;row-gap:7px}
.rows details{border:0}
.rows .why{padding-inline-start:1.1em}
.row,summary.row{display:grid;grid-template-columns:minmax(150px,250px) 1fr minmax(88px,auto);column-gap:14px;align-items:center}
.row .name{font-size:.94rem;line-height:1.25}
.row .end{text-align:end;font-variant-numeric:tabular-nums;font-weight:600;font-size:.94rem}
.row .under{grid-column:2/4;font-size:.82rem;color:var(--muted);line-height:1.3}
.scale{position:relative;height:1.3em;font-size:.8rem;color:var(--muted)}
.scale span{position:absolute;transform:translateX(-50%);white-space:nowrap}
svg{display:block;max-width:100%}
svg.swatch{display:inline-block;width:.8em;height:.8em;margin-inline-end:.4em;vertical-align:-.05em}
svg.strip{width:100%;height:16px;overflow:visible}
.fill-left{fill:var(--left)}.fill-right{fill:var(--right)}.fill-ink{fill:var(--ink)}.fill-muted{fill:var(--muted)}.fill-track{fill:var(--tint)}
.fill-p0{fill:var(--p0)}.fill-p1{fill:var(--p1)}.fill-p2{fill:var(--p2)}.fill-p3{fill:var(--p3)}.fill-p4{fill:var(--p4)}.fill-p5{fill:var(--p5)}.fill-p6{fill:var(--p6)}.fill-p7{fill:var(--p7)}.fill-p8{fill:var(--p8)}.fill-p9{fill:var(--p9)}
.stroke-left{stroke:var(--left)}.stroke-right{stroke:var(--right)}
.tick{stroke:var(--line);stroke-width:1;vector-effect:non-scaling-stroke}
.tick-strong{stroke:var(--ink);stroke-width:1.5;vector-effect:non-scaling-stroke}
.box{fill:none;stroke:var(--muted);stroke-width:.7;opacity:.7}
.stroke-muted{stroke:var(--muted)}.stroke-p0{stroke:var(--p0)}.stroke-p1{stroke:var(--p1)}.stroke-p2{stroke:var(--p2)}.stroke-p3{stroke:var(--p3)}.stroke-p4{stroke:var(--p4)}.stroke-p5{stroke:var(--p5)}.stroke-p6{stroke:var(--p6)}.stroke-p7{stroke:var(--p7)}.stroke-p8{stroke:var(--p8)}.stroke-p9{stroke:var(--p9)}
.plot-dots{fill:none;stroke-width:3.5;stroke-linecap:round;opacity:.5}
.plot-marks{stroke-width:7;opacity:.85}
.plot-line,.plot-dashes{fill:none;stroke-width:1.8}
.plot-dashes{stroke-dasharray:5 4}
.cell{fill:var(--ink);font-size:11px}
.front{fill:none;stroke-width:2;opacity:.65}
.axis{fill:var(--muted);font-size:13px}
.scroll{overflow-x:auto}
svg.scatter{min-width:560px;width:100%;height:auto}
.fabrics{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:12px}
.fabrics .panel{margin:0}
svg.dots{height:auto;max-width:none;margin:.4em 0 1em}
.head,.lines summary{display:grid;grid-template-columns:minmax(150px,1.5fr) 1fr 1fr 88px;column-gap:14px;align-items:baseline;padding:6px 12px}
.head{font-size:.85rem;color:var(--muted);border-bottom:1px solid var(--line)}
.lines{background:var(--card);border:1px solid var(--line);border-radius:8px;margin:.6em 0}
details{border-bottom:1px solid var(--line)}
details:last-child{border-bottom:0}
summary{cursor:pointer;list-style:none}
summary::-webkit-details-marker{display:none}
summary .name::before{content:"+";display:inline-block;width:1.1em;color:var(--muted)}
details[open]>summary .name::before{content:"\2212"}
summary:hover{background:var(--tint)}
summary .value{overflow-wrap:anywhere}
summary .ratio{text-align:end;font-variant-numeric:tabular-nums;font-weight:600}
.range{display:block;font-size:.8rem;color:var(--muted)}
.why{display:grid;grid-template-columns:repeat(auto-fit,minmax(290px,1fr));gap:4px 26px;padding:4px 14px 14px;padding-inline-start:30px;font-size:.9rem}
.why ul{margin:.1em 0;padding-inline-start:1.1em}
.why li{margin:.15em 0;overflow-wrap:anywhere}
.formula{font-family:ui-monospace,"SF Mono",Menlo,Consolas,monospace;font-size:.85em;color:var(--muted)}
.assumed{border:1px solid var(--right);color:var(--right);border-radius:3px;padding:0 .35em;font-size:.8em}
code{font-family:ui-monospace,"SF Mono",Menlo,Consolas,monospace;font-size:.9em;background:var(--tint);padding:.1em .35em;border-radius:3px;overflow-wrap:anywhere}
.sources li{margin:.25em 0;font-size:.88rem;overflow-wrap:anywhere}
@media (max-width:640px){
main{padding:18px 13px 40px}h1{font-size:1.5rem}.answer{font-size:1.08rem}
.row,summary.row{grid-template-columns:1fr auto}.row .name{grid-column:1/2}.row .end{grid-row:1;grid-column:2}
.row svg.strip,.row .scale{grid-column:1/3}.row .under{grid-column:1/3}
.head{display:none}.lines summary{grid-template-columns:1fr 1fr 70px}.lines summary .name{grid-column:1/4;font-weight:600}
.why{padding-inline-start:14px}}
summary:focus-visible{outline:2px solid var(--left)}
@media print{
:root{--bg:#fff;--card:#fff;--ink:#000;--muted:#444;--line:#bbb;--left:#1263a8;--right:#b14d08;--tint:#f2f2f2}
.panel,.card,.row,summary{break-inside:avoid}h2,h3{break-after:avoid}main{max-width:none;padding:0}body{font-size:11pt}}
)css";

}  // namespace fivefold
