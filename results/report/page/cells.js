// What can be computed of the cells of a matrix. No drawing here.
(function () {
	"use strict";
	var m = tide.data.matrix, cells = m.cells;

	// stat: median, least and most of a metric, or null.
	function stat(cell, metric) { return cell.stats[m.metrics.indexOf(metric)]; }
	function value(cell, metric) { var s = stat(cell, metric); return s ? s[0] : null; }
	function ofKind(kind) { return cells.filter(function (c) { return c.kind === kind; }); }
	function valueOf(cell, axis) { return cell.at[axis] < 0 ? "–" : m.axes[axis].values[cell.at[axis]]; }
	function name(cell) {
		return m.axes.map(function (a, i) { return a.name + "=" + valueOf(cell, i); }).join(" ");
	}

	// better guesses from a name whether less is better.
	function lessIsBetter(metric) {
		if (/(^|[._ ])(iops|throughput|ratio)|per_s$|rate|records_per|mean_depth/i.test(metric) && !/_us$/.test(metric)) return false;
		return true;
	}
	function isLatency(metric) { return /(^|[._])p\d+|_us$|latency|_ms$/i.test(metric); }
	function isCost(metric) { return /usd|\$|cost/i.test(metric); }

	// titled adds the unit where the name does not end in it: percentiles of a
	// trial's series are in µs.
	function titled(metric) { return /^(produce|e2e|fetch)\.\w+\.p\d+$/.test(metric) ? metric + ", µs" : metric; }

	// sensitivity of an axis: for each of its values the median over everything
	// else, and the median ratio to the first value between cells that agree in
	// everything else.
	function sensitivity(kind, axis, metric) {
		var groups = {}, byValue = m.axes[axis].values.map(function () { return { all: [], ratios: [] }; });
		ofKind(kind).forEach(function (c) {
			var v = value(c, metric);
			if (v === null || c.at[axis] < 0) return;
			byValue[c.at[axis]].all.push(v);
			var key = c.at.map(function (a, i) { return i === axis ? "" : a; }).join();
			(groups[key] = groups[key] || {})[c.at[axis]] = v;
		});
		var first = byValue.findIndex(function (b) { return b.all.length; });
		Object.keys(groups).forEach(function (key) {
			var base = groups[key][first];
			if (!(base > 0)) return;
			Object.keys(groups[key]).forEach(function (at) { byValue[at].ratios.push(groups[key][at] / base); });
		});
		var rows = byValue.map(function (b, i) {
			return { value: m.axes[axis].values[i], n: b.all.length, pairs: b.ratios.length, median: tide.median(b.all), ratio: tide.median(b.ratios) };
		}).filter(function (r) { return r.n; });
		var ratios = rows.map(function (r) { return r.ratio; }).filter(function (r) { return r > 0; });
		return { axis: axis, rows: rows, effect: ratios.length > 1 ? Math.max.apply(null, ratios) / Math.min.apply(null, ratios) : 1 };
	}

	// isNoise: a half and a double are equally far from 1, as in results/stats.
	function isNoise(ratio, noise) { return ratio > 0 && Math.max(ratio, 1 / ratio) - 1 < noise; }

	// front: the points that no other is better than in both. Points are {x, y}.
	function front(points, lessX, lessY) {
		var sx = lessX ? 1 : -1, sy = lessY ? 1 : -1, best = Infinity;
		return points.slice().sort(function (a, b) { return sx * (a.x - b.x) || sy * (a.y - b.y); }).filter(function (p) {
			if (sy * p.y >= best) return false;
			best = sy * p.y;
			return true;
		});
	}

	// best cells that keep all constraints {metric, op, limit}, by an objective. A
	// cell without the number keeps no constraint on it.
	function best(kind, constraints, objective, less) {
		return ofKind(kind).filter(function (c) {
			return value(c, objective) !== null && constraints.every(function (k) {
				var v = value(c, k.metric);
				return v !== null && (k.op === "≤" ? v <= k.limit : v >= k.limit);
			});
		}).sort(function (a, b) { return (less ? 1 : -1) * (value(a, objective) - value(b, objective)); });
	}

	tide.cells = {
		stat: stat, value: value, ofKind: ofKind, valueOf: valueOf, name: name, lessIsBetter: lessIsBetter,
		isLatency: isLatency, isCost: isCost, titled: titled, sensitivity: sensitivity, isNoise: isNoise, front: front, best: best
	};
})();
