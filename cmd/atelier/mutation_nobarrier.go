//go:build nobarrier

package main

const elsewhere = false
