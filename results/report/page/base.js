// What every page shares: its data, the theme, colours with a meaning, and how
// numbers are written.
var tide = (function () {
	"use strict";
	var data = JSON.parse(document.getElementById("data").textContent);
	data.trials = data.trials || [];

	// Families of colours, light and dark. A row that a power cut may undo never
	// has the colour of one that it cannot.
	var families = {
		durable: [
			["#0b61a4", "#0a8f6d", "#6a45c2", "#1e9bd1", "#35701f", "#8d7ff0", "#0c5560", "#53a2e0"],
			["#5fb0f5", "#3fd0a6", "#ad8dfb", "#67d3ee", "#93c572", "#c9b8fd", "#4fd5c8", "#9ac8fd"]
		],
		volatile: [
			["#d1480a", "#b3123f", "#c18200", "#8c3b0b", "#e0567a", "#e0802c"],
			["#ff8a4c", "#ff6b8f", "#f5c04a", "#d98b5f", "#ff9fb5", "#ffc48a"]
		],
		unknown: [["#5f6772", "#8b939e", "#3c434c"], ["#a7afba", "#7d8590", "#d0d6dd"]]
	};
	var dashes = { volatile: [8, 4], unknown: [2, 3] };
	var root = document.documentElement, listeners = [];
	var system = window.matchMedia("(prefers-color-scheme: dark)");

	function dark() {
		var theme = root.getAttribute("data-theme");
		return theme ? theme === "dark" : system.matches;
	}
	function setTheme(theme) {
		if (theme) root.setAttribute("data-theme", theme); else root.removeAttribute("data-theme");
		listeners.forEach(function (fn) { fn(); });
	}
	function color(family, i) {
		var tones = families[family] || families.unknown;
		tones = tones[dark() ? 1 : 0];
		return tones[i % tones.length];
	}
	function css(name) { return getComputedStyle(root).getPropertyValue(name).trim(); }

	// el("td", {class: "n"}, child or text…)
	function el(tag, attributes) {
		var e = document.createElement(tag), i;
		for (var k in attributes || {}) {
			if (k.slice(0, 2) === "on") e.addEventListener(k.slice(2), attributes[k]);
			else if (attributes[k] !== undefined && attributes[k] !== false) e.setAttribute(k, attributes[k]);
		}
		for (i = 2; i < arguments.length; i++) if (arguments[i] !== null && arguments[i] !== undefined) e.append(arguments[i]);
		return e;
	}
	function select(name, options, value, change) {
		var s = el("select", { onchange: function () { change(s.value); } });
		options.forEach(function (o) {
			var pair = Array.isArray(o) ? o : [o, o];
			s.append(el("option", { value: pair[0] }, pair[1]));
		});
		s.value = value;
		return el("label", {}, name, s);
	}
	function badge(text, kind) { return el("span", { class: "badge " + (kind || "") }, text); }

	// As the tables write milliseconds, so that a plot and a table agree.
	function ms(v) { return v < 10 ? v.toFixed(2) : v < 100 ? v.toFixed(1) : v.toFixed(0); }
	// Four digits, as in the tables of figures.
	function significant(v) {
		if (v === null || v === undefined || isNaN(v)) return "–";
		if (Math.abs(v) >= 1000) return v.toLocaleString("en", { maximumFractionDigits: 0 });
		return String(Number(v.toPrecision(4)));
	}
	function count(n) { return n.toLocaleString("en"); }
	function unique(list) { return list.filter(function (v, i) { return list.indexOf(v) === i; }); }
	function median(list) {
		if (!list.length) return null;
		var s = list.slice().sort(function (a, b) { return a - b; }), n = s.length;
		return (s[(n - 1) >> 1] + s[n >> 1]) / 2;
	}

	var button = document.getElementById("theme"), modes = ["auto", "light", "dark"], mode = 0;
	if (button) button.addEventListener("click", function () {
		mode = (mode + 1) % modes.length;
		button.textContent = "theme: " + modes[mode];
		setTheme(mode ? modes[mode] : null);
	});
	system.addEventListener("change", function () { if (!mode) setTheme(null); });
	// Paper is white.
	window.addEventListener("beforeprint", function () { setTheme("light"); });
	window.addEventListener("afterprint", function () { setTheme(mode ? modes[mode] : null); });

	return {
		data: data, el: el, select: select, badge: badge, color: color, css: css, ms: ms, significant: significant,
		count: count, unique: unique, median: median, dash: function (family) { return dashes[family]; },
		onTheme: function (fn) { listeners.push(fn); }
	};
})();
