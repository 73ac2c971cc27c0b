// The page of one trial.
(function () {
	"use strict";
	var el = tide.el, t = tide.data.trials[0], marks = tide.marks([t]);

	function phaseCurves(series) {
		return t.phases.map(function (ph, i) {
			var c = ph.curves[series];
			return { label: ph.name + (c ? " (n = " + tide.count(c.n) + ")" : ""), family: t.class, color: tide.color(t.class, i), curve: c, hidden: ph.name === "warm-up" && t.phases.length > 1 };
		});
	}
	[
		{ title: "Produce", of: "produce", kinds: { response: "acknowledged − intended", service: "acknowledged − sent", delay: "sent − intended", client: "inside the client, before the request was written" } },
		{ title: "End to end", of: "e2e", kinds: { response: "received − intended", service: "received − sent" } },
		{ title: "Fetch of one record by its offset", of: "fetch", kinds: { response: "answer − intended", service: "answer − request", delay: "request − intended" } }
	].forEach(function (g) {
		var kinds = Object.keys(g.kinds).filter(function (k) {
			return t.phases.some(function (ph) { return ph.curves[g.of + "." + k]; });
		});
		if (!kinds.length) return;
		var kind = kinds[0];
		var plot = tide.plot(document.getElementById("percentiles"), {
			title: g.title, log: true,
			controls: [tide.select("time", kinds.map(function (k) { return [k, k + ": " + g.kinds[k]]; }), kind, function (v) { kind = v; plot.redraw(); })],
			make: function () { return tide.percentiles(phaseCurves(g.of + "." + kind), marks); }
		});
	});

	// A trial may wait for long between its phases: each can be looked at alone.
	var first = null;
	if (t.phases.length > 1) document.getElementById("timelines").append(el("div", { class: "toolbar" }, tide.select("show",
		[["", "the whole trial"]].concat(t.phases.map(function (ph, i) { return [i, "phase " + ph.name]; })), "", function (v) {
			if (first) tide.zoom(first, v === "" ? null : [t.phases[v].start, t.phases[v].end]);
		})));
	[
		{ title: "Latency of each second", unit: "ms", log: true, curves: { p50: "produce p50", p99: "produce p99", max: "produce max", e2e99: "end to end p99" } },
		{ title: "Rates", unit: "MiB/s", curves: { in: "acknowledged", tail: "tailing consumers", caught: "catch-up consumers" } },
		{ title: "Log and store", unit: "MiB/s", curves: { wal: "written to the WAL", put: "PUT", get: "GET" } },
		{ title: "CPU of the target", unit: "cores", curves: { cpu: "CPU" } },
		{ title: "Memory of the target", unit: "MiB", curves: { rss: "RSS" } }
	].forEach(function (g, i) {
		var names = Object.keys(g.curves).filter(function (n) { return t.time.columns[n]; });
		if (!names.length) return;
		var plot = tide.plot(document.getElementById("timelines"), {
			title: g.title, log: g.log, small: i > 0, sync: "time",
			make: function (p) {
				var curves = names.map(function (n) {
					var at = Object.keys(g.curves).indexOf(n);
					return { label: g.curves[n], family: t.class, color: tide.color(t.class, at), values: t.time.columns[n], step: t.time.step };
				});
				return tide.overTime(curves, Object.assign({
					yLabel: g.unit, positive: p.log, bands: t.phases, xLabel: "seconds since the start",
					value: function (v) { return (g.unit === "ms" ? tide.ms(v) : tide.significant(v)) + " " + g.unit; }
				}, marks));
			}
		});
		first = first || plot;
	});
})();
