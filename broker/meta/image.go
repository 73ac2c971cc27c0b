package meta

// Image is the facts.
type Image struct{}

// Machine is State, change log and lock.
type Machine struct{}
