//go:build race

package rig

// Raced tells that the race detector looks on, and everything takes its time.
const Raced = true
