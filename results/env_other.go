//go:build !linux

package results

import "runtime"

// ReadEnv knows little of systems other than Linux.
func ReadEnv(string) Env {
	b := Build()
	return Env{Build: b, Modules: b.Modules, Kernel: Kernel(), CPU: CPU{Cores: runtime.NumCPU()}}
}

// ReadCPUTicks is not known here.
func ReadCPUTicks() CPUTicks { return CPUTicks{} }
