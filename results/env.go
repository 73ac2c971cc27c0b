package results

// Env is env.json: the machine of a trial. Fields that could not be found are
// empty; nothing here fails a trial.
type Env struct {
	Build      BuildInfo         `json:"build"`
	Modules    map[string]string `json:"modules"`
	Kernel     KernelInfo        `json:"kernel"`
	CPU        CPU               `json:"cpu"`
	Memory     int64             `json:"memory_bytes"`
	Clock      string            `json:"clock_source"`
	Filesystem string            `json:"filesystem"` // of the target's data
	Device     Device            `json:"device"`     // under that filesystem
	Steal      float64           `json:"steal_percent"`
	Load       string            `json:"load_average"` // at the start, 1 5 15 minutes
}

// CPU as the kernel names it.
type CPU struct {
	Model    string `json:"model"`
	Cores    int    `json:"cores"`
	Governor string `json:"governor"`
}

// Device is the block device that holds the data.
type Device struct {
	Name       string `json:"name"`
	WriteCache string `json:"write_cache"` // "write through": a flush costs nothing and nothing is lost without it
	FUA        string `json:"fua"`
	Scheduler  string `json:"scheduler"`
	Rotational string `json:"rotational"`
	MaxKiB     string `json:"max_sectors_kb"`
}

// CPUTicks is a reading of the machine's CPU time; two of them give the steal.
type CPUTicks struct{ total, steal uint64 }

// StealPercent of all CPU time since an earlier reading.
func (t CPUTicks) StealPercent(since CPUTicks) float64 {
	if t.total <= since.total {
		return 0
	}
	return 100 * float64(t.steal-since.steal) / float64(t.total-since.total)
}
