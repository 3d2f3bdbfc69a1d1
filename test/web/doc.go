// Package web uses the program as people do: in browsers, by what they show. A Go
// test starts the nodes, and scenarios.mjs plays on them in Debian's Chromium.
//
// ATELIER_WEB_SHOTS names a directory for pictures of the pages on the way.
package web
