// Package cache keeps what is costly to work out in tiers: memory, and stores that
// several nodes share. Nothing in it is the truth of anything, and any tier may be
// slow, go away, be emptied or come back with what it had long ago.
//
// What makes that harmless: a value is good for one stamp, its version and when that
// was, and whoever asks brings the stamp which the truth has just told him. A value of
// any other stamp is none. So nothing has to be invalidated, on this node or another,
// nothing can be written too late, an older value that overwrites a newer one costs a
// miss, and a tier that has missed a year of changes shows none of them. What is
// decided, who may see what, comes with the stamp and not from here.
//
// The plan had tombstones in every tier, values that are set if they are newer, and
// a generation in the database that is raised when Redis comes back. All of these keep
// a cache from being wrong that is believed without asking; this one never is. The
// price is one small question to the truth, an entity in memory or an index.
//
// Who owns what. Values that were worked out go to memory at once and into a queue, from
// which Run takes them to the shared tiers, so that nobody waits for that; a full
// queue drops them. A tier that fails is left alone for a second, after which one
// request tries it again. Those who want the same value of the same stamp at one time
// wait for the first to work it out.
package cache
