// Package faults holds the scenarios in which the built program, run as real
// processes, must keep what Atelier promises: two of them on one database, crashes
// of the program and of Postgres, lost answers, a stop under load; and clusters
// whose nodes are killed, frozen, restarted one by one and cut off.
//
// The quick form runs with all tests; the tag soak asks for the long one. Each
// scenario can fail: test/mutations takes safeguards out and shows it.
package faults
