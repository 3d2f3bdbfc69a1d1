// Package limit counts the requests of callers in sliding windows.
//
// The rule is exact: a request is let through if, with it, no window of the
// limit's length that ends now holds more than the limit. So there is no window at
// all that holds more. Buckets that refill steadily (GCRA, token buckets) do not have
// this property: they let almost twice the limit through in the first window. Nor
// have fixed windows, at their seams.
//
// A log of a caller's latest requests is kept for that, as many as the largest
// limit; what was refused is not in it. Times are whole milliseconds, rounded so that a
// window is never shorter than it should be, by less than one.
//
// Memory is bounded by the number of callers. Once there are so many, newcomers
// share logs, by hash: strangers may then be refused for each other's requests, but
// nobody gets more than the limit.
package limit
