"use strict";
const text = "system-ui, sans-serif", code = "ui-monospace, monospace";
Redoc.init("/openapi.json", {
  nativeScrollbars: true,
  sortRequiredPropsFirst: true,
  theme: { typography: { fontFamily: text, headings: { fontFamily: text }, code: { fontFamily: code } } },
}, document.getElementById("reference"));
