//go:build !linux

package model

// NewClock returns the system's clock, as exact as package time is.
func NewClock() (Clock, error) { return NewTimerClock(), nil }
