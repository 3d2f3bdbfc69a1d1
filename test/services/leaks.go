package services

import "go.uber.org/goleak"

// Lasting are the goroutines that this package keeps for as long as the process
// lives, in a test binary that has no run around it. A TestMain that looks for
// leaks says goleak.VerifyTestMain(m, services.Lasting()...).
func Lasting() []goleak.Option {
	return []goleak.Option{
		goleak.IgnoreAnyFunction("atelier/test/services.start"),
		goleak.IgnoreAnyFunction("atelier/test/services.(*process).wait"),
	}
}
