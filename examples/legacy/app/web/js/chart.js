// A line of the last temperatures, drawn as SVG, with the alarm limit where it
// comes into view.

import { degrees } from "./i18n.js";
import { el } from "./dom.js";

const POINTS = 90;
const W = 300;
const H = 100;
const SVG = "http://www.w3.org/2000/svg";

export class Chart {
  limit = Infinity;

  constructor(parent) {
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", `0 0 ${W} ${H}`);
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    const path = (name) => {
      const p = document.createElementNS(SVG, "path");
      p.setAttribute("class", name);
      svg.append(p);
      return p;
    };
    path("chart-grid").setAttribute("d", `M0 ${H / 4}H${W}M0 ${H / 2}H${W}M0 ${(3 * H) / 4}H${W}`);
    this.area = path("chart-area");
    this.line = path("chart-line");
    this.alarm = path("chart-limit");
    this.top = el("span", "chart-top");
    this.bottom = el("span", "chart-bottom");
    parent.append(svg, this.top, this.bottom);
  }

  /** Draws reports, newest first. */
  draw(data) {
    const values = data.slice(0, POINTS).map((r) => r.temperature).reverse();
    if (values.length === 0) return;
    let low = Math.min(...values);
    let high = Math.max(...values);
    // A quiet room shall look quiet: never less than two degrees from top to bottom.
    const pad = Math.max((2 - (high - low)) / 2, (high - low) * 0.15);
    low -= pad;
    high += pad;
    const y = (v) => H - ((v - low) / (high - low)) * H;
    const step = W / (POINTS - 1);
    const first = POINTS - values.length;
    const points = values.map((v, i) => `${((first + i) * step).toFixed(1)} ${y(v).toFixed(1)}`);
    const d = `M${points.join("L")}`;
    this.line.setAttribute("d", d);
    this.area.setAttribute("d", `${d}V${H}H${(first * step).toFixed(1)}Z`);
    const seen = this.limit > low && this.limit < high;
    this.alarm.setAttribute("d", seen ? `M0 ${y(this.limit)}H${W}` : "");
    this.top.textContent = degrees(high);
    this.bottom.textContent = degrees(low);
  }
}
