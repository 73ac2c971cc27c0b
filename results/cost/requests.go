package cost

// Requests to an object store, and bytes moved with them.
type Requests struct {
	Puts     float64 // what is billed as PUT: uploads, each part of one, its begin and end, lists
	Gets     float64 // what is billed as GET
	PutBytes float64
	GetBytes float64
}

const (
	million = 1e6
	gib     = 1 << 30
)

// Plus adds up.
func (r Requests) Plus(o Requests) Requests {
	return Requests{r.Puts + o.Puts, r.Gets + o.Gets, r.PutBytes + o.PutBytes, r.GetBytes + o.GetBytes}
}

// Times n.
func (r Requests) Times(n float64) Requests {
	return Requests{r.Puts * n, r.Gets * n, r.PutBytes * n, r.GetBytes * n}
}

// USD is what the requests cost; storage comes on top.
func (r Requests) USD(s Store) float64 {
	return r.Puts/million*s.PutMillion + r.Gets/million*s.GetMillion +
		r.PutBytes/gib*s.UpGB + r.GetBytes/gib*s.DownGB
}

// Kept is what it costs to keep so many bytes for some hours.
func (s Store) Kept(bytes, hours float64) float64 {
	return bytes / gib * s.GBMonth * hours / HoursPerMonth
}

// HoursPerMonth is what AWS counts a month as.
const HoursPerMonth = 730
