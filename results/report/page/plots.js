// Plots: percentiles on HdrHistogram's axis and curves over time, with uPlot.
// A plot is drawn when it is scrolled to, so that a page of many is quick.
(function () {
	"use strict";
	var el = tide.el, all = tide.plots = [];

	// plot makes a frame for something to draw:
	//   make()   → {x: [], curves: [{label, family, color, y: []}], axes…} or null
	//   badges() → [{text, kind}] of what is shown
	tide.plot = function (into, o) {
		var frame = el("div", { class: "plot" + (o.small ? " small" : "") });
		var badges = el("span"), controls = el("span", { class: "controls" }), legend = el("div", { class: "legend" });
		var canvas = el("div", { class: "canvas" }), note = el("div", { class: "dim" });
		var p = { title: o.title, u: null, off: {}, log: !!o.log, frame: frame, controls: controls, key: o.sync };
		var visible = false, dirty = true;
		(o.controls || []).forEach(function (c) { controls.append(c); });
		var scale = el("button", { type: "button", class: "quiet", title: "vertical axis" }, p.log ? "log" : "linear");
		scale.addEventListener("click", function () {
			p.log = !p.log;
			scale.textContent = p.log ? "log" : "linear";
			p.redraw();
		});
		var reset = el("button", { type: "button", class: "quiet", title: "the whole range again; so does a double-click" }, "reset zoom");
		reset.addEventListener("click", function () { tide.zoom(p, null); });
		controls.append(scale, reset);
		frame.append(el("div", { class: "caption" }, el("h3", {}, o.title), badges, controls), canvas, legend, note);
		into.append(frame);

		function draw() {
			dirty = false;
			if (p.u) { p.u.destroy(); p.u = null; }
			canvas.textContent = legend.textContent = badges.textContent = note.textContent = "";
			var m = o.make(p);
			p.made = m;
			if (!m || !m.curves.length) {
				canvas.append(el("div", { class: "nothing" }, (m && m.empty) || "nothing to show"));
				return;
			}
			m.badges.forEach(function (b) { badges.append(tide.badge(b.text, b.kind)); });
			note.textContent = m.note || "";
			m.curves.forEach(function (c) { legend.append(entry(p, c)); });
			p.u = new uPlot(options(p, m, canvas, o.small ? 230 : 340), [m.x].concat(m.curves.map(function (c) { return c.y; })), canvas);
			if (p.range) p.u.setScale("x", { min: p.range[0], max: p.range[1] });
		}
		p.redraw = function () { dirty = true; if (visible) draw(); };
		p.force = function () { visible = true; if (dirty) draw(); };
		new IntersectionObserver(function (entries) {
			visible = entries[entries.length - 1].isIntersecting;
			if (visible && dirty) draw();
		}, { rootMargin: "400px" }).observe(frame);
		new ResizeObserver(function () {
			if (p.u && canvas.clientWidth && canvas.clientWidth !== p.u.width) p.u.setSize({ width: canvas.clientWidth, height: p.u.height });
		}).observe(canvas);
		all.push(p);
		return p;
	};
	// zoom sets the horizontal range of a plot and of those that share its axis;
	// null is all of it. Plots that are not drawn yet take it when they are.
	tide.zoom = function (plot, range) {
		all.forEach(function (p) {
			if (p !== plot && !(plot.key && p.key === plot.key)) return;
			p.range = range;
			if (!p.u) return;
			if (range) p.u.setScale("x", { min: range[0], max: range[1] }); else p.u.setData(p.u.data);
		});
	};
	tide.onTheme(function () { all.forEach(function (p) { p.redraw(); }); });
	window.addEventListener("beforeprint", function () { all.forEach(function (p) { p.force(); }); });

	// entry of the legend: a click hides the curve or shows it.
	function entry(p, c) {
		var key = el("span", { class: "key " + c.family });
		key.style.borderTopColor = c.color;
		var b = el("button", { type: "button", class: hidden(p, c) ? "off" : "", title: c.title || c.label }, key, c.label);
		b.addEventListener("click", function () {
			p.off[c.label] = !hidden(p, c);
			b.className = p.off[c.label] ? "off" : "";
			p.u.setSeries(p.made.curves.indexOf(c) + 1, { show: !p.off[c.label] });
		});
		return b;
	}
	function hidden(p, c) { return c.label in p.off ? p.off[c.label] : !!c.hidden; }

	function options(p, m, canvas, height) {
		var ink = tide.css("--dim"), grid = tide.css("--grid");
		var axis = function (more) {
			return Object.assign({ stroke: ink, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, size: 4 }, font: "12px system-ui, sans-serif", labelFont: "12px system-ui, sans-serif", labelSize: 20 }, more);
		};
		var y = p.log ? logAxis() : {};
		return {
			width: canvas.clientWidth || 900, height: height, padding: [10, 14, 0, 0], legend: { show: false },
			cursor: { drag: { x: true, y: false, dist: 4 }, points: { size: 6 }, sync: p.key ? { key: p.key, setSeries: false } : undefined },
			scales: { x: { time: false, range: m.xRange }, y: { distr: p.log ? 3 : 1, range: p.log ? logRange : linearRange } },
			axes: [
				axis({ label: m.xLabel, splits: m.xSplits, values: m.xValues, size: 30 }),
				axis(Object.assign({ label: m.yLabel, size: 58, values: function (u, vs) { return vs.map(short); } }, y))
			],
			series: [{}].concat(m.curves.map(function (c) {
				return {
					label: c.label, show: !hidden(p, c), stroke: c.color, width: c.width || 1.8, dash: tide.dash(c.family),
					points: c.points || { show: false }, paths: c.paths, spanGaps: !!c.spanGaps
				};
			})),
			hooks: {
				drawClear: m.bands ? [function (u) { bands(u, m.bands); }] : [],
				draw: [function (u) { stamp(u, m.stamp); }],
				ready: [function (u) { tip(u, p, m); }]
			}
		};
	}

	// Numbers of an axis.
	function short(v) {
		if (v === null) return "";
		return Math.abs(v) >= 1e7 ? v.toExponential(1) : Number(v.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 6 });
	}
	function linearRange(u, min, max) { return [Math.min(0, min || 0), max > 0 ? max * 1.16 : 1]; }
	function logRange(u, min, max) {
		if (!(min > 0) || !(max > 0)) return [0.1, 10];
		return min * 2 > max ? [min / 1.5, max * 1.5] : [min / 1.15, max * 1.15];
	}
	function logAxis() {
		return {
			filter: function (u, splits) { return splits; },
			splits: function (u, i, min, max) {
				var decades = Math.log10(max / min), steps = decades > 4 ? [1] : decades > 1.4 ? [1, 2, 5] : decades > .5 ? [1, 1.5, 2, 3, 4, 5, 7] : null, out = [];
				if (!steps) { // so narrow that it is nearly linear
					var unit = Math.pow(10, Math.floor(Math.log10((max - min) / 3)));
					while ((max - min) / unit > 7) unit *= 2;
					for (var v = Math.ceil(min / unit) * unit; v <= max; v += unit) out.push(v);
					return out;
				}
				for (var d = Math.floor(Math.log10(min)); d <= Math.log10(max); d++) steps.forEach(function (s) {
					var at = s * Math.pow(10, d);
					if (at >= min && at <= max) out.push(at);
				});
				return out;
			}
		};
	}

	// bands shades every other phase and writes its name at the top.
	function bands(u, phases) {
		var ctx = u.ctx, r = devicePixelRatio || 1, b = u.bbox;
		ctx.save();
		ctx.beginPath(); ctx.rect(b.left, b.top, b.width, b.height); ctx.clip();
		ctx.font = 11 * r + "px system-ui, sans-serif"; ctx.textBaseline = "top";
		phases.forEach(function (ph, i) {
			var x0 = u.valToPos(ph.start, "x", true), x1 = u.valToPos(ph.end, "x", true);
			ctx.fillStyle = tide.css("--band");
			if (i % 2) ctx.fillRect(x0, b.top, x1 - x0, b.height);
			ctx.fillStyle = tide.css("--dim");
			var from = Math.max(x0, b.left) + 4 * r;
			if (ctx.measureText(ph.name).width < Math.min(x1, b.left + b.width) - from) ctx.fillText(ph.name, from, b.top + 3 * r);
		});
		ctx.restore();
	}

	// stamp writes durability and verdict into the picture itself: a copy of the
	// canvas has them too.
	function stamp(u, text) {
		var ctx = u.ctx, r = devicePixelRatio || 1;
		ctx.save();
		ctx.font = 10.5 * r + "px system-ui, sans-serif"; ctx.textAlign = "right"; ctx.textBaseline = "bottom"; ctx.fillStyle = tide.css("--dim");
		ctx.fillText(text, u.bbox.left + u.bbox.width, u.ctx.canvas.height - 2 * r, u.bbox.width * .45);
		ctx.restore();
	}

	// tip shows the values under the cursor, the nearest curve first.
	function tip(u, p, m) {
		var box = el("div", { class: "tip" });
		box.style.display = "none";
		u.over.append(box);
		u.over.addEventListener("mouseleave", function () { box.style.display = "none"; });
		u.over.addEventListener("mousemove", function () {
			var i = u.cursor.idx, near = [];
			if (i === null || i === undefined || u.cursor.left < 0) { box.style.display = "none"; return; }
			m.curves.forEach(function (c, k) {
				var v = u.data[k + 1][i];
				if (u.series[k + 1].show && v !== null && v !== undefined) near.push({ c: c, v: v, far: Math.abs(u.valToPos(v, "y") - u.cursor.top) });
			});
			if (m.nearest) near = closest(u, m);
			near.sort(function (a, b) { return a.far - b.far; });
			box.textContent = "";
			if (!near.length) { box.style.display = "none"; return; }
			if (m.nearest) i = near[0].i;
			box.append(el("div", { class: "dim" }, m.at(u.data[0][i], i)));
			var table = el("table", {});
			near.slice(0, 10).forEach(function (n) {
				var key = el("span", { class: "key " + n.c.family });
				key.style.borderTopColor = n.c.color;
				table.append(el("tr", {}, el("td", {}, key), el("td", { class: "label" }, n.c.label), el("td", {}, m.value(n.v, i))));
			});
			box.append(table);
			if (near.length > 10) box.append(el("div", { class: "dim" }, "and " + (near.length - 10) + " more"));
			box.style.display = "block";
			var w = box.offsetWidth, right = u.cursor.left + 14 + w < u.over.clientWidth;
			box.style.left = (right ? u.cursor.left + 14 : Math.max(0, u.cursor.left - 14 - w)) + "px";
			box.style.top = Math.max(0, Math.min(u.cursor.top - 20, u.over.clientHeight - box.offsetHeight)) + "px";
		});
	}

	// closest point to the cursor, of the first curve, within some pixels.
	function closest(u, m) {
		var best = null;
		u.data[1].forEach(function (v, i) {
			var far = Math.hypot(u.valToPos(u.data[0][i], "x") - u.cursor.left, u.valToPos(v, "y") - u.cursor.top);
			if (far < 25 && (!best || far < best.far)) best = { c: m.curves[0], v: v, i: i, far: far };
		});
		return best ? [best] : [];
	}

	// Percentiles --------------------------------------------------------------

	function percent(x) { // of log10(1 ÷ (1 − quantile))
		return (100 - 100 * Math.pow(10, -x)).toFixed(Math.max(x % 1 ? 1 : 0, Math.ceil(x) - 1)) + " %";
	}
	function percentSplits(u, axis, min, max) {
		var out = [], steps = max - min > 2 ? [1] : max - min > .8 ? [5, 2, 1] : [9, 8, 7, 6, 5, 4, 3, 2, 1.5, 1];
		if (min <= 0) out.push(0);
		if (max - min > 2) out.push(Math.log10(2));
		for (var k = Math.max(1, Math.floor(min)); k <= Math.ceil(max); k++) steps.forEach(function (s) {
			var x = k - Math.log10(s);
			if (x >= min - 1e-9 && x <= max + 1e-9 && out.indexOf(x) < 0) out.push(x);
		});
		return out.sort(function (a, b) { return a - b; });
	}
	function percentValues(u, splits) {
		return splits.map(function (x) {
			if (x === 0) return "0";
			var v = 100 - 100 * Math.pow(10, -x); // exact at m × 10^-k
			return String(Number(v.toFixed(Math.ceil(x) + 1))) + " %";
		});
	}

	// percentiles makes curves of {label, family, color, curve: {n, v}}.
	tide.percentiles = function (curves, more) {
		var nines = 1, ticks = tide.data.ticks;
		curves = curves.filter(function (c) { return c.curve; });
		curves.forEach(function (c) { nines = Math.max(nines, c.curve.v.length); });
		var x = ticks.slice(0, nines);
		curves.forEach(function (c) {
			var v = c.curve.v;
			c.y = x.map(function (_, i) { return i < v.length ? Math.max(v[i], 1000) / 1e6 : null; });
			c.title = c.label + ", n = " + tide.count(c.curve.n);
		});
		return Object.assign({
			x: x, curves: curves, xLabel: "percentile (each nine takes as much room as the one before)", yLabel: "ms",
			xSplits: percentSplits, xValues: percentValues, value: function (v) { return tide.ms(v) + " ms"; },
			at: function (v, i) { return percent(v) + (curves.length === 1 && i === x.length - 1 ? ", the maximum" : ""); },
			stamp: "", badges: []
		}, more);
	};

	// Time -----------------------------------------------------------------------

	// overTime makes curves of {label, family, color, values: [], step, shift},
	// shift in seconds.
	tide.overTime = function (curves, more) {
		var step = 1, from = 0, to = 1;
		curves = curves.filter(function (c) { return c.values; });
		curves.forEach(function (c) { step = Math.max(step, c.step); });
		curves.forEach(function (c) {
			c.first = -Math.round((c.shift || 0) / step);
			from = Math.min(from, c.first);
			to = Math.max(to, c.first + c.values.length);
		});
		var x = [];
		for (var i = from; i < to; i++) x.push((i + .5) * step);
		curves.forEach(function (c) {
			c.y = x.map(function (_, i) {
				var v = c.values[i + from - c.first];
				return v === undefined || v === null || more.positive && v <= 0 ? null : v;
			});
		});
		return Object.assign({
			x: x, curves: curves, xLabel: "seconds", xRange: function (u, min, max) { return x.length && min === x[0] && max === x[x.length - 1] ? [min - step / 2, max + step / 2] : [min, max]; },
			at: function (v) { return step > 1 ? "second " + (v - step / 2) + " to " + (v + step / 2) : "second " + (v - .5); },
			stamp: "", badges: []
		}, more);
	};

	// marks are the badges of trials, and the same as the text in the picture.
	tide.marks = function (trials) {
		var families = tide.unique(trials.map(function (t) { return t.class; })), out = [];
		families.forEach(function (f) {
			var flushes = tide.unique(trials.filter(function (t) { return t.class === f; }).map(function (t) { return t.flush; }));
			out.push({ text: f + ": flush=" + flushes.join(", "), kind: f });
		});
		tide.unique(trials.map(function (t) { return t.verdict; })).forEach(function (v) { if (v !== "VALID") out.push({ text: v, kind: v }); });
		if (trials.some(function (t) { return t.simulated && t.simulated.length; })) {
			var every = trials.every(function (t) { return t.simulated && t.simulated.length; });
			out.push({ text: every ? "simulated" : "simulated in part", kind: "simulated" });
		}
		return { badges: out, stamp: out.map(function (b) { return b.text; }).join(" · ") };
	};
})();
