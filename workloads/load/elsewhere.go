package load

import "slices"

// ForReaders is what another process needs to read this load's records: it has
// no payloads, and no options of clients that come from a driver file, which
// that process applies again.
func (c Config) ForReaders() Config {
	c.Common, c.Producing, c.Consuming, c.Grouped = nil, nil, nil, nil
	c.Payload = Payload{}
	c.Groups = slices.Clone(c.Groups)
	for i := range c.Groups {
		c.Groups[i].Payload = Payload{}
	}
	return c
}
