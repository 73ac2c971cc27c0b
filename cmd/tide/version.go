package main

import (
	"encoding/json"
	"fmt"

	"github.com/tidelog/tide/results"
)

func init() {
	register("version", "Print version, commit, Go and what the kernel offers.", &versionCmd{})
}

// versionCmd prints what a result directory records about its builder.
type versionCmd struct {
	JSON bool `name:"json" help:"Print one JSON object instead of text."`
}

// Run prints to standard output and never fails.
func (c *versionCmd) Run(std *stdio) error {
	b, k := results.Build(), results.Kernel()
	if c.JSON {
		return json.NewEncoder(std.out).Encode(struct {
			results.BuildInfo
			Kernel results.KernelInfo `json:"kernel"`
		}{b, k})
	}
	fmt.Fprintf(std.out, "tide %s\ncommit %s\ngo %s %s\nkernel %s\nio_uring %s\n",
		b.Version, b.Commit, b.Go, b.Platform, k.Release, k.IOUring)
	return nil
}
