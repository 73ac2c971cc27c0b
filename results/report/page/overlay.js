// The page of several trials.
(function () {
	"use strict";
	var picker = tide.picker();
	tide.sections(document.getElementById("sections"), picker);
	picker.typical();
})();
