// Package yupdate computes with Yjs updates without building the document: it
// parses them, tells what they hold, takes out of them what somebody lacks,
// merges and compacts them. The format is version 1 of Yjs 13, described by the
// Yjs sources utils/updates.js, utils/encoding.js, utils/DeleteSet.js,
// structs/*.js and by lib0/decoding.js.
//
// An update is, for each client, a run of structs (items, and what is left of
// those that are gone) numbered by a clock that counts UTF-16 units and elements,
// and a set of ranges that are deleted. Where a run has a hole, a Skip stands.
//
// What is parsed may come from anybody. Parse refuses what Yjs could not read,
// and what exceeds its Limits, with an error; it does not panic, and what it
// allocates is at most 128 times its input. Contents stay slices of the input, which must
// not change afterwards. All values are read-only once made: several goroutines
// may compute with the same ones.
package yupdate
