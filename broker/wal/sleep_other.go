//go:build !linux

package wal

import "time"

func sleepExactly(d time.Duration) { time.Sleep(d) }
