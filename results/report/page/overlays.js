// Several trials: a table to pick from, and plots of what is picked. Pages of
// overlays and of matrices share it.
(function () {
	"use strict";
	var el = tide.el, maxCurves = 150, typicalArms = 8;

	// picker wires the table up and returns {picked(), onPick(fn), pick(set)}.
	tide.picker = function () {
		var trials = tide.data.trials, table = document.getElementById("trials"), body = table.tBodies[0];
		var rows = Array.prototype.slice.call(body.rows).map(function (tr) {
			return { tr: tr, trial: +tr.dataset.t, box: tr.querySelector("input"), swatch: tr.querySelector(".swatch"), text: null };
		});
		var set = new Set(), fns = [], facets = tide.data.facets || [], chosen = facets.map(function () { return new Set(); });
		var search = document.getElementById("search"), status = document.getElementById("picked");

		function shown(i) {
			return facets.every(function (f, k) { return !chosen[k].size || chosen[k].has(f.of[i]); });
		}
		function filter() {
			var words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
			rows.forEach(function (r) {
				if (r.text === null) r.text = r.tr.textContent.toLowerCase();
				var on = shown(r.trial) && words.every(function (w) { return r.text.indexOf(w) >= 0; });
				r.tr.style.display = on ? "" : "none";
				r.on = on;
			});
			say();
		}
		function say() {
			var n = new Set(rows.filter(function (r) { return r.on; }).map(function (r) { return r.trial; })).size;
			status.textContent = set.size + " of " + trials.length + " trials picked" + (n < trials.length ? ", " + n + " shown" : "");
		}
		function paint() {
			rows.forEach(function (r) {
				var on = set.has(r.trial);
				r.box.checked = on;
				r.tr.classList.toggle("unpicked", !on);
				r.swatch.style.borderTopColor = on ? tide.armColor(trials[r.trial]) : "transparent";
				r.swatch.style.borderTopStyle = { volatile: "dashed", unknown: "dotted" }[trials[r.trial].class] || "solid";
			});
			say();
			fns.forEach(function (fn) { fn(); });
		}
		function pick(list) { set = new Set(list); paint(); }

		body.addEventListener("change", function (e) {
			var i = +e.target.closest("tr").dataset.t;
			if (e.target.checked) set.add(i); else set.delete(i);
			paint();
		});
		search.addEventListener("input", filter);
		document.getElementById("pick-shown").addEventListener("click", function () {
			pick(rows.filter(function (r) { return r.on; }).map(function (r) { return r.trial; }));
		});
		document.getElementById("pick-none").addEventListener("click", function () { pick([]); });
		document.getElementById("pick-typical").addEventListener("click", function () {
			pick(typical(new Set(rows.filter(function (r) { return r.on; }).map(function (r) { return r.trial; })), Infinity));
		});
		sortable(table, rows);
		facetChips(facets, chosen, filter);
		tide.onTheme(paint);
		filter();
		return {
			picked: function () { return trials.filter(function (_, i) { return set.has(i); }); },
			onPick: function (fn) { fns.push(fn); }, pick: pick,
			typical: function () { pick(typical(new Set(trials.map(function (_, i) { return i; })), typicalArms)); }
		};
	};

	// typical is, of each workload and configuration, the repeat whose p99 is the
	// median; INVALID ones only where there is no other.
	function typical(among, arms) {
		var groups = {}, perWorkload = {}, out = [];
		tide.data.trials.forEach(function (t, i) {
			if (!among.has(i)) return;
			var key = t.workload + "\u0000" + t.arm;
			(groups[key] = groups[key] || []).push(i);
		});
		Object.keys(groups).forEach(function (key) {
			var list = groups[key], good = list.filter(function (i) { return tide.data.trials[i].verdict !== "INVALID"; });
			var w = tide.data.trials[list[0]].workload;
			perWorkload[w] = (perWorkload[w] || 0) + 1;
			if (perWorkload[w] > arms) return;
			if (good.length) list = good;
			list.sort(function (a, b) { return p99(tide.data.trials[a]) - p99(tide.data.trials[b]); });
			out.push(list[(list.length - 1) >> 1]);
		});
		return out;
	}
	var at99 = tide.data.ticks ? tide.data.ticks.indexOf(2) : -1;
	function p99(t) {
		var worst = 0;
		t.phases.forEach(function (ph) {
			var c = ph.curves["produce.response"];
			if (c && ph.name !== "warm-up") worst = Math.max(worst, c.v[Math.min(at99, c.v.length - 1)]);
		});
		return worst;
	}

	// armColor: repeats of one configuration have one colour.
	var places = {};
	tide.data.trials.forEach(function (t) {
		var family = places[t.class] = places[t.class] || { n: 0, of: {} };
		if (!(t.arm in family.of)) family.of[t.arm] = family.n++;
	});
	tide.armColor = function (t) { return tide.color(t.class, places[t.class].of[t.arm]); };

	function sortable(table, rows) {
		var heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
		heads.forEach(function (th, column) {
			if (!th.classList.contains("sorts")) return;
			th.addEventListener("click", function () {
				var order = th.dataset.order === "1" ? -1 : 1, numeric = th.classList.contains("n");
				heads.forEach(function (h) { delete h.dataset.order; });
				th.dataset.order = order;
				rows.forEach(function (r) {
					var text = r.tr.cells[column].textContent;
					r.key = numeric ? parseFloat(text) : text;
				});
				rows.sort(function (a, b) {
					if (numeric) { // what has no number stands last
						if (isNaN(a.key) || isNaN(b.key)) return isNaN(a.key) - isNaN(b.key);
						return order * (a.key - b.key);
					}
					return order * a.key.localeCompare(b.key, "en", { numeric: true });
				});
				var all = document.createDocumentFragment();
				rows.forEach(function (r) { all.append(r.tr); });
				table.tBodies[0].append(all);
			});
		});
	}

	// facetChips: a click on values shows only the trials that have one of them.
	function facetChips(facets, chosen, changed) {
		var into = document.getElementById("facets");
		facets.forEach(function (f, k) {
			if (!f.within) return;
			var counts = f.values.map(function () { return 0; }), line = el("div", {}, el("label", {}, f.key + " "));
			f.of.forEach(function (v) { counts[v]++; });
			f.values.slice(0, 40).forEach(function (v, i) {
				var chip = el("button", { type: "button", class: "chip", "aria-pressed": "false", title: v }, v + " ", el("span", { class: "count" }, "×" + counts[i]));
				chip.addEventListener("click", function () {
					if (chosen[k].has(i)) chosen[k].delete(i); else chosen[k].add(i);
					chip.setAttribute("aria-pressed", chosen[k].has(i));
					changed();
				});
				line.append(chip);
			});
			if (f.values.length > 40) line.append(el("span", { class: "dim" }, "and " + (f.values.length - 40) + " more: use the filter"));
			into.append(line);
		});
	}

	// sections has one for each workload: percentiles, p99 over time, rates.
	tide.sections = function (into, picker) {
		tide.unique(tide.data.trials.map(function (t) { return t.workload; })).forEach(function (workload) {
			section(into, picker, workload);
		});
	};

	function section(into, picker, workload) {
		var all = tide.data.trials.filter(function (t) { return t.workload === workload; });
		var phases = tide.unique([].concat.apply([], all.map(function (t) { return t.phases.map(function (ph) { return ph.name; }); })));
		var series = [["produce.response", "produce"], ["e2e.response", "end to end"], ["fetch.response", "single fetch"]].filter(function (s) {
			return all.some(function (t) { return t.phases.some(function (ph) { return ph.curves[s[0]]; }); });
		});
		var measured = phases.filter(function (n) { return n !== "warm-up"; });
		var has = function (n) { return all.some(function (t) { return curveOf(t, n, (series[0] || [])[0]); }); };
		var state = { phase: measured.filter(has)[0] || measured[0] || phases[0], series: (series[0] || [])[0], zero: "" };
		// Fills take their own time, so readings of a back-log are laid over each other.
		var starts = all.map(function (t) { return startOf(t, "catch-up"); });
		if (phases.indexOf("catch-up") >= 0 && Math.max.apply(null, starts) - Math.min.apply(null, starts) > 2) state.zero = "catch-up";
		var box = el("section", { "data-workload": workload }, el("h2", {}, workload)), plots = el("div", { class: "plots" });
		box.append(plots);
		into.append(box);
		var mine = function () {
			return picker.picked().filter(function (t) { return t.workload === workload; }).sort(function (a, b) { return a.arm - b.arm; });
		};
		var list = [];

		if (series.length) list.push(tide.plot(plots, {
			title: "Latency by percentile", log: true,
			controls: [
				tide.select("time", series, state.series, function (v) { state.series = v; list[0].redraw(); }),
				tide.select("phase", phases, state.phase, function (v) { state.phase = v; list[0].redraw(); })
			],
			make: function () {
				var from = mine(), cut = from.slice(0, maxCurves);
				var curves = cut.map(function (t) { return named(t, from, { curve: curveOf(t, state.phase, state.series) }); });
				return tide.percentiles(curves, more(cut, from));
			}
		}));
		[
			{ title: "Produce p99 over time", unit: "ms", log: true, of: function (c) { return c.p99; } },
			{ title: "Read rate over time", unit: "MiB/s", of: function (c) { return sum(c.tail, c.caught); } },
			{ title: "Write rate over time", unit: "MiB/s", of: function (c) { return c.in; } },
			{ title: "CPU of the target over time", unit: "cores", of: function (c) { return c.cpu; } }
		].forEach(function (g) {
			if (!all.some(function (t) { return g.of(t.time.columns); })) return;
			var plot = tide.plot(plots, {
				title: g.title, log: g.log, small: true, sync: workload,
				controls: phases.length > 1 ? [tide.select("time 0 is the start of", [["", "the trial"]].concat(phases.map(function (n) { return [n, "phase " + n]; })), state.zero, function (v) {
					state.zero = v;
					list.forEach(function (p) {
						if (p.zero) { p.zero.value = v; p.redraw(); }
					});
				})] : [],
				make: function (p) {
					var from = mine(), cut = from.slice(0, maxCurves);
					var curves = cut.map(function (t) {
						return named(t, from, { values: g.of(t.time.columns), step: t.time.step, shift: startOf(t, state.zero) });
					});
					return tide.overTime(curves, Object.assign(more(cut, from), {
						yLabel: g.unit, positive: p.log, bands: cut.length ? bandsOf(cut[0], state.zero) : null,
						xLabel: "seconds since the start of " + (state.zero ? "phase " + state.zero : "the trial") + (phases.length > 1 && cut.length > 1 ? "; shaded: phases of the first one picked" : ""),
						value: function (v) { return (g.unit === "ms" ? tide.ms(v) : tide.significant(v)) + " " + g.unit; }
					}));
				}
			});
			plot.zero = plot.controls.querySelector("select");
			list.push(plot);
		});
		picker.onPick(function () { list.forEach(function (p) { p.redraw(); }); });
	}

	function curveOf(t, phase, series) {
		var ph = t.phases.filter(function (p) { return p.name === phase; })[0];
		return ph && ph.curves[series];
	}
	function startOf(t, phase) {
		var ph = t.phases.filter(function (p) { return p.name === phase; })[0];
		return ph ? ph.start : 0;
	}
	function bandsOf(t, zero) {
		var shift = startOf(t, zero);
		return t.phases.map(function (p) { return { name: p.name, start: p.start - shift, end: p.end - shift }; });
	}
	function sum(a, b) {
		if (!a || !b) return a || b;
		return a.map(function (v, i) { return v === null && b[i] === null ? null : (v || 0) + (b[i] || 0); });
	}
	// named: the configuration, the repeat where several are picked, the verdict
	// where it is not VALID.
	function named(t, among, c) {
		var same = among.filter(function (o) { return o.arm === t.arm; });
		c.label = tide.data.arms[t.arm] + (same.length > 1 ? " #" + (same.indexOf(t) + 1) : "") + (t.verdict === "INVALID" ? " INVALID" : "");
		c.family = t.class;
		c.color = tide.armColor(t);
		c.width = among.length > 20 ? 1.1 : 1.8;
		return c;
	}
	function more(cut, from) {
		var m = tide.marks(cut);
		m.note = cut.length < from.length ? "Only the first " + cut.length + " of " + from.length + " picked trials are drawn." : "";
		m.empty = "Nothing is picked: tick trials in the table.";
		return m;
	}
})();
