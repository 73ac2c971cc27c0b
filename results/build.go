package results

import (
	"runtime"
	"runtime/debug"
)

// BuildInfo says which program made a result.
type BuildInfo struct {
	Version  string            `json:"version"`  // module version, "devel" for a working tree
	Commit   string            `json:"commit"`   // revision, "+dirty" when the tree had changes, "unknown" without VCS stamps
	Go       string            `json:"go"`       // toolchain, such as go1.26.0
	Platform string            `json:"platform"` // GOOS/GOARCH
	Modules  map[string]string `json:"-"`        // dependency path → version; env.json carries it
}

// Build reads what the Go linker left in the binary.
func Build() BuildInfo {
	b := BuildInfo{
		Version: "devel", Commit: "unknown", Go: runtime.Version(),
		Platform: runtime.GOOS + "/" + runtime.GOARCH, Modules: map[string]string{},
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	for _, m := range info.Deps {
		b.Modules[m.Path] = m.Version
	}
	b.Commit = commit(info.Settings)
	return b
}

// commit joins the VCS stamps. `go run` of a package path leaves them out when
// it is told -buildvcs=false or finds no repository.
func commit(settings []debug.BuildSetting) string {
	rev, dirty := "unknown", ""
	for _, s := range settings {
		switch s.Key {
		case "vcs.revision":
			rev = s.Value
		case "vcs.modified":
			if s.Value == "true" {
				dirty = "+dirty"
			}
		}
	}
	return rev + dirty
}
