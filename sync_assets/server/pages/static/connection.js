// Say that the server does not answer, for as long as it does not: pages that update themselves
// would otherwise show old states as if they were new.
"use strict";

function showConnection(isLost) {
  document.getElementById("connection").hidden = !isLost;
}

document.addEventListener("htmx:sendError", () => showConnection(true));
document.addEventListener("htmx:timeout", () => showConnection(true));
document.addEventListener("htmx:afterOnLoad", () => showConnection(false));
