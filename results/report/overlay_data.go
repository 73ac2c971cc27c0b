package report

// pageData is the JSON in every page.
type pageData struct {
	Kind   string    `json:"kind"` // trial, overlay or matrix
	Ticks  []float64 `json:"ticks"`
	Trials []*digest `json:"trials"`
}
