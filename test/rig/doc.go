// Package rig runs Atelier from outside: it builds the program, starts it as
// real processes with data directories and ports of their own, kills and stops
// them, talks to them over HTTP alone, and records what was asked and answered.
//
// A Scenario is one run: its seed, its directory and its nodes. When it fails,
// the directory stays, with the seed, the logs of all nodes and the histories
// that were not linearizable, and the test's output says where it is.
//
//	s := rig.New(t)
//	a, b := s.Start("a", url), s.Start("b", url)
//	owner := s.SignIn(a, s.Register(a, "owner"))
//	project, reply := owner.At(b).CreateProject(ctx, "Harbour", 7)
//	a.Kill()
//	a.Restart()
//
// Who owns what. A Node belongs to the scenario's goroutine; its address alone
// is read by others, who learn it anew with every request, since a restart
// changes it. A History is written by any number of workers.
package rig
