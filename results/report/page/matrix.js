// The page of a matrix.
(function () {
	"use strict";
	var el = tide.el, m = tide.data.matrix, cells = tide.cells, by = function (id) { return document.getElementById(id); };
	if (!m.cells || !m.cells.length || !m.metrics.length) {
		by("explore").textContent = "No cell has a number yet.";
		return;
	}
	m.axes = m.axes || [];
	var kinds = m.kinds.map(function (k, i) {
		return [i, k.class + (k.simulated ? ", simulated" : "")];
	});
	// occurring: the values of an axis that cells of a kind have.
	function occurring(kind, axis) {
		var has = new Set(cells.ofKind(kind).map(function (c) { return c.at[axis]; }));
		return m.axes[axis].values.map(function (_, i) { return i; }).filter(function (i) { return has.has(i); });
	}
	// Durable cells on the real device come first, and the two axes with the most
	// values.
	var start = Math.max(0, m.kinds.findIndex(function (k) { return k.class === "durable" && !k.simulated; }));
	var wide = m.axes.map(function (_, i) { return i; }).sort(function (a, b) { return occurring(start, b).length - occurring(start, a).length; });
	var two = wide.length > 1 && occurring(start, wide[1]).length > 1;
	var state = { kind: start, metric: m.metrics[0], x: two ? wide[1] : wide[0], y: wide[0], fixed: {} };
	var picker = by("trials") ? tide.picker() : null;

	function kindBadges() {
		var k = m.kinds[state.kind], out = [{ text: k.class + ": flush=" + k.flushes.map(function (f) { return f || "not said"; }).join(", "), kind: k.class }];
		if (k.simulated) out.push({ text: "simulated", kind: "simulated" });
		return out;
	}

	// Selectors ------------------------------------------------------------------

	var axisNames = m.axes.map(function (a, i) { return [i, a.name]; });
	var which = by("which");
	which.append(tide.select("metric", m.metrics, state.metric, function (v) { state.metric = v; all(); }));
	if (m.axes.length > 1) {
		which.append(tide.select("across", axisNames, state.x, function (v) { state.x = +v; heat(); }),
			tide.select("down", axisNames, state.y, function (v) { state.y = +v; heat(); }));
	}
	which.append(tide.select("cells", kinds, start, function (v) { state.kind = +v; all(); }));
	var marks = el("span", {});
	which.append(marks);
	function selectFixed() {
		var into = by("fixed");
		into.textContent = "";
		m.axes.forEach(function (a, i) {
			if (i === state.x || i === state.y) return;
			var has = occurring(state.kind, i);
			if (has.length < 2) { delete state.fixed[i]; return; }
			var options = [["", "all (median)"]].concat(has.map(function (k) { return [k, a.values[k]]; }));
			into.append(tide.select(a.name, options, i in state.fixed ? state.fixed[i] : "", function (v) {
				if (v === "") delete state.fixed[i]; else state.fixed[i] = +v;
				heat();
			}));
		});
	}

	// Heat map -------------------------------------------------------------------

	function heat() {
		selectFixed();
		marks.textContent = "";
		kindBadges().forEach(function (b) { marks.append(tide.badge(b.text, b.kind)); });
		var into = by("heat"), X = m.axes[state.x], Y = m.axes[state.y], single = !X || state.x === state.y;
		into.textContent = "";
		if (!X) { into.append(list([m.cells[0]], [state.metric])); return; }
		var xs = occurring(state.kind, state.x), ys = single ? [null] : occurring(state.kind, state.y), grid = ys.map(function () { return xs.map(function () { return []; }); });
		cells.ofKind(state.kind).forEach(function (c) {
			for (var i in state.fixed) if (+i !== state.x && +i !== state.y && c.at[i] !== state.fixed[i]) return;
			if (cells.value(c, state.metric) === null || c.at[state.x] < 0 || !single && c.at[state.y] < 0) return;
			grid[single ? 0 : ys.indexOf(c.at[state.y])][xs.indexOf(c.at[state.x])].push(c);
		});
		var medians = grid.map(function (row) {
			return row.map(function (cs) { return tide.median(cs.map(function (c) { return cells.value(c, state.metric); })); });
		});
		var flat = [].concat.apply([], medians).filter(function (v) { return v !== null; }), shade = shades(flat);
		var table = el("table", { class: "heat" }), body = el("tbody", {});
		table.append(el("thead", {}, row("th", [single ? "" : Y.name + " ↓  " + X.name + " →"].concat(xs.map(function (i) { return X.values[i]; })))), body);
		medians.forEach(function (vs, y) {
			var tr = el("tr", {}, el("th", {}, single ? state.metric : Y.values[ys[y]]));
			vs.forEach(function (v, x) {
				var cs = grid[y][x];
				if (v === null) { tr.append(el("td", { class: "none" }, "–")); return; }
				var td = el("td", { title: cs.length === 1 ? cells.name(cs[0]) : "median of " + cs.length + " cells" }, tide.significant(v), el("small", {}, spread(cs)));
				td.style.background = shade(v)[0];
				td.style.color = shade(v)[1];
				td.addEventListener("click", function () {
					Array.prototype.forEach.call(table.querySelectorAll(".picked"), function (p) { p.classList.remove("picked"); });
					td.classList.add("picked");
					detail(cs);
				});
				tr.append(td);
			});
			body.append(tr);
		});
		into.append(table);
		if (!flat.length) into.append(el("p", { class: "dim" }, "No cell of this kind has " + state.metric + " with these settings."));
		else into.append(el("p", { class: "dim" }, cells.titled(state.metric) + ": the deeper the colour, the larger, on a logarithmic scale. Small: least to most of the repeats, or how many cells the median is of. A click lists the cells."));
	}
	function spread(cs) {
		if (cs.length > 1) return cs.length + " cells";
		var s = cells.stat(cs[0], state.metric);
		return tide.significant(s[1]) + "–" + tide.significant(s[2]) + ", n=" + cs[0].n;
	}
	function row(tag, texts) {
		var tr = el("tr", {});
		texts.forEach(function (t) { tr.append(el(tag, {}, t)); });
		return tr;
	}
	// shades of the family of the kind; black or white on them, whatever reads.
	function shades(values) {
		var lo = Math.min.apply(null, values), hi = Math.max.apply(null, values), base = tide.color(m.kinds[state.kind].class, 0);
		var rgb = [1, 3, 5].map(function (i) { return parseInt(base.slice(i, i + 2), 16); }), log = lo > 0;
		var under = tide.css("--bg").match(/[0-9a-f]{2}/gi).map(function (h) { return parseInt(h, 16); });
		return function (v) {
			var share = hi <= lo ? .5 : log ? Math.log(v / lo) / Math.log(hi / lo) : (v - lo) / (hi - lo), a = .08 + .84 * share;
			var c = rgb.map(function (r, i) { return Math.round(under[i] * (1 - a) + r * a); });
			return ["rgb(" + c.join() + ")", c[0] * .3 + c[1] * .59 + c[2] * .11 > 140 ? "#111" : "#fff"];
		};
	}
	function detail(cs) {
		var into = by("detail"), trials = [].concat.apply([], cs.map(function (c) { return c.trials || []; }));
		into.textContent = "";
		into.append(list(cs, tide.unique([state.metric].concat(m.metrics.filter(cells.isLatency).slice(0, 3)))));
		if (cs.length === 1) into.append(el("pre", {}, el("code", {}, cs[0].command)));
		if (picker && trials.length) picker.pick(trials);
	}
	// list of cells, with the spread of a few metrics.
	function list(cs, metrics) {
		var body = el("tbody", {}), head = m.axes.map(function (a) { return a.name; }).concat(["flush", "repeats"]);
		cs.slice(0, 200).forEach(function (c) {
			var tr = row("td", m.axes.map(function (_, i) { return cells.valueOf(c, i); }).concat([c.flush || "–", c.n + (c.invalid ? " (" + c.invalid + " INVALID)" : "")]));
			metrics.forEach(function (k) {
				var s = cells.stat(c, k);
				tr.append(el("td", { class: "n" }, s ? tide.significant(s[0]) : "–", s && c.n > 1 ? el("span", { class: "dim" }, "  " + tide.significant(s[1]) + "–" + tide.significant(s[2])) : null));
			});
			body.append(tr);
		});
		var h = row("th", head);
		metrics.forEach(function (k) { h.append(el("th", { class: "n" }, cells.titled(k))); });
		return el("div", { class: "scroll" }, el("table", {}, el("thead", {}, h), body));
	}

	// Sensitivity ----------------------------------------------------------------

	function sensitivity() {
		var into = by("sensitivity"), noise = m.noise_of === state.kind && m.noise[state.metric] || 0;
		into.textContent = "";
		into.append(el("p", {}, "of ", el("b", {}, cells.titled(state.metric)), ", ", kinds[state.kind][1]));
		var each = m.axes.map(function (_, i) { return cells.sensitivity(state.kind, i, state.metric); }).filter(function (s) { return s.rows.length > 1; });
		each.sort(function (a, b) { return b.effect - a.effect; });
		if (!each.length) into.append(el("p", { class: "dim" }, "No axis has two values with this number."));
		var body = el("tbody", {}), most = Math.max.apply(null, each.map(function (s) { return s.effect; }).concat([1.0001]));
		each.forEach(function (s) {
			s.rows.forEach(function (r, i) {
				var small = i > 0 && cells.isNoise(r.ratio, noise), bar = el("span", { class: "bar" });
				var low = Math.min.apply(null, s.rows.map(function (o) { return o.ratio || 1; }));
				bar.style.width = r.ratio > 0 ? (0.3 + 10 * Math.log(r.ratio / low) / Math.log(most)).toFixed(2) + "rem" : "0";
				bar.style.background = tide.color(m.kinds[state.kind].class, 0);
				body.append(el("tr", {}, el("td", {}, i ? "" : el("b", {}, m.axes[s.axis].name)), el("td", {}, r.value), el("td", { class: "n" }, String(r.n)),
					el("td", { class: "n" }, tide.significant(r.median)), el("td", { class: "n" }, r.ratio === null ? "–" : (small ? "~ " : "") + "× " + r.ratio.toFixed(2)), el("td", {}, bar)));
			});
		});
		var head = row("th", ["axis", "value", "cells", "median", "ratio", ""]);
		[2, 3, 4].forEach(function (i) { head.cells[i].className = "n"; });
		into.append(el("div", { class: "scroll" }, el("table", {}, el("thead", {}, head), body)));
	}

	// Front ----------------------------------------------------------------------

	var guess = function (test, not) { return m.metrics.filter(function (k) { return test(k) && k !== not; })[0]; };
	var fy = cells.isLatency(state.metric) ? state.metric : guess(function (k) { return /(^|[._])p99(_us)?$/.test(k); }) || guess(cells.isLatency) || state.metric;
	var fx = guess(cells.isCost, fy) || guess(function (k) { return /mib_per_s|appends_per_s|iops|rate/.test(k) && !cells.isLatency(k) && !/fio/.test(k); }, fy) || guess(function () { return true; }, fy) || fy;
	var less = {}; // by metric, where the reader says otherwise than the guess
	function isLess(metric) { return metric in less ? less[metric] : cells.lessIsBetter(metric); }
	function direction(of) {
		var s = tide.select("better is", [["less", "less"], ["more", "more"]], isLess(of()) ? "less" : "more", function (v) { less[of()] = v === "less"; frontPlot.redraw(); });
		s.renew = function () { s.querySelector("select").value = isLess(of()) ? "less" : "more"; };
		return s;
	}
	var dx = direction(function () { return fx; }), dy = direction(function () { return fy; });
	var frontPlot = tide.plot(by("front"), {
		title: "Front", log: true,
		controls: [
			tide.select("across", m.metrics, fx, function (v) { fx = v; dx.renew(); frontPlot.redraw(); }), dx,
			tide.select("up", m.metrics, fy, function (v) { fy = v; dy.renew(); frontPlot.redraw(); }), dy
		],
		make: function (p) {
			var family = m.kinds[state.kind].class, points = cells.ofKind(state.kind).map(function (c) {
				return { cell: c, x: cells.value(c, fx), y: cells.value(c, fy) };
			}).filter(function (q) { return q.x !== null && q.y !== null && (!p.log || q.y > 0); });
			points.sort(function (a, b) { return a.x - b.x; });
			var edge = cells.front(points, isLess(fx), isLess(fy)), base = tide.color(family, 0), strong = tide.color(family, 2);
			var badges = kindBadges();
			return {
				x: points.map(function (q) { return q.x; }),
				curves: points.length ? [
					{ label: "cells", family: family, color: base, y: points.map(function (q) { return q.y; }), paths: function () { return null; }, points: { show: true, size: 7, fill: base } },
					{ label: "front", family: family, color: strong, y: points.map(function (q) { return edge.indexOf(q) >= 0 ? q.y : null; }), spanGaps: true, points: { show: true, size: 9, fill: strong } }
				] : [],
				xLabel: cells.titled(fx), yLabel: cells.titled(fy), nearest: true, cells: points, badges: badges, stamp: badges.map(function (b) { return b.text; }).join(" · "),
				xRange: function (u, min, max) { var pad = (max - min) * .03 || Math.abs(max) * .1 || 1; return u.data[0][0] === min && u.data[0][u.data[0].length - 1] === max ? [min - pad, max + pad] : [min, max]; },
				at: function (v, i) { return cells.name(points[i].cell) + "; " + fx + " " + tide.significant(v); },
				value: function (v) { return fy + " " + tide.significant(v); }
			};
		}
	});

	// Best -----------------------------------------------------------------------

	var constraints = [], objective = fx, objectiveLess = isLess(fx);
	function constrain(metric) {
		var v = tide.median(cells.ofKind(state.kind).map(function (c) { return cells.value(c, metric); }).filter(function (v) { return v !== null; }));
		constraints.push({ metric: metric, op: cells.lessIsBetter(metric) ? "≤" : "≥", limit: v === null ? 0 : Number(v.toPrecision(3)) });
	}
	constrain(fy);
	if (guess(cells.isCost) && guess(cells.isCost) !== objective) constrain(guess(cells.isCost));
	function best() {
		var into = by("best"), bar = el("div", { class: "toolbar" }), out = el("div", { id: "found" });
		into.textContent = "";
		constraints.forEach(function (k, i) {
			var input = el("input", { type: "number", step: "any", value: k.limit, oninput: function () { k.limit = parseFloat(input.value); found(); } });
			bar.append(el("span", {}, tide.select(i ? "and" : "keep", m.metrics, k.metric, function (v) { k.metric = v; found(); }), " ",
				tide.select("", ["≤", "≥"], k.op, function (v) { k.op = v; found(); }), " ", input, " ",
				el("button", { type: "button", class: "quiet", title: "without this constraint", onclick: function () { constraints.splice(i, 1); best(); } }, "×")));
		});
		bar.append(el("button", { type: "button", class: "quiet", onclick: function () { constrain(state.metric); best(); } }, "add a constraint"),
			tide.select("and have the", [["less", "least"], ["more", "most"]], objectiveLess ? "less" : "more", function (v) { objectiveLess = v === "less"; found(); }),
			tide.select("", m.metrics, objective, function (v) { objective = v; objectiveLess = isLess(v); best(); }));
		into.append(bar, out);
		found();
	}
	function found() {
		var into = by("found"), ok = cells.best(state.kind, constraints, objective, objectiveLess);
		into.textContent = "";
		into.append(el("p", {}, ok.length + " of " + cells.ofKind(state.kind).length + " cells keep that" + (ok.length ? "; the best is " : "."), ok.length ? el("b", {}, cells.name(ok[0])) : null));
		if (ok.length) into.append(list(ok.slice(0, 10), tide.unique([objective].concat(constraints.map(function (k) { return k.metric; })))));
	}

	function all() { heat(); by("detail").textContent = ""; sensitivity(); frontPlot.redraw(); found(); }
	best();
	all();
	tide.onTheme(function () { heat(); sensitivity(); });
	if (picker) {
		tide.sections(by("sections"), picker);
		picker.typical();
	}
})();
