package doctor

import (
	"context"
	"errors"
	"strings"
)

func init() {
	register(check{order: 80, name: "reservations", wanted: "on a raw device that brokers share: write exclusive, registrants only", run: reservations})
}

// Reservations is what a raw device can do, and by which protocol it was asked.
type Reservations struct {
	Protocol string // NVMe or SCSI
	Types    byte   // bit field of NVMe's RESCAP; SCSI's is brought into its form
}

// Bits of RESCAP, the byte in which an NVMe namespace says what it can do.
const (
	persistThroughPower  = 1 << 0
	writeExclusive       = 1 << 1
	exclusiveAccess      = 1 << 2
	writeExclusiveRegs   = 1 << 3 // registrants only: what a takeover uses
	exclusiveAccessRegs  = 1 << 4
	writeExclusiveAll    = 1 << 5
	exclusiveAccessAll   = 1 << 6
	nvmeIdentifyRESCAPAt = 31 // byte of the Identify Namespace structure
)

var capabilityNames = []struct {
	bit  byte
	name string
}{
	{persistThroughPower, "persist through power loss"},
	{writeExclusive, "write exclusive"},
	{exclusiveAccess, "exclusive access"},
	{writeExclusiveRegs, "write exclusive, registrants only"},
	{exclusiveAccessRegs, "exclusive access, registrants only"},
	{writeExclusiveAll, "write exclusive, all registrants"},
	{exclusiveAccessAll, "exclusive access, all registrants"},
}

func (r Reservations) String() string {
	var names []string
	for _, c := range capabilityNames {
		if r.Types&c.bit != 0 {
			names = append(names, c.name)
		}
	}
	if len(names) == 0 {
		return r.Protocol + ": none"
	}
	return r.Protocol + ": " + strings.Join(names, "; ")
}

// reservations fence a broker that is thought dead from a device that both can
// reach. A file cannot be shared, and a single broker needs none of it.
func reservations(_ context.Context, s *System) answer {
	const remedy = "use an io2 volume with Multi-Attach for a takeover by reservation; with gp3 a takeover detaches the volume instead"
	if s.place.Kind != BlockDevice {
		return fine("not asked: a %s is not shared between brokers", s.place.Kind)
	}
	r, err := s.Reservations(s.place)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return bad("none: "+err.Error(), remedy)
	case err != nil:
		return bad("not told: "+err.Error(), "run as a user who may read the device and send it admin commands (CAP_SYS_ADMIN)")
	case r.Types&writeExclusiveRegs == 0:
		return bad(r.String(), remedy)
	default:
		return fine("%s", r)
	}
}

// nvmeCapabilities reads RESCAP out of an Identify Namespace answer.
func nvmeCapabilities(identify []byte) Reservations {
	return Reservations{Protocol: "NVMe", Types: identify[nvmeIdentifyRESCAPAt]}
}

// scsiCapabilities reads the answer to PERSISTENT RESERVE IN, REPORT
// CAPABILITIES, and brings its type mask into NVMe's order:
//
//	byte 3  bit 7 TMV (mask valid)   bit 0 PTPL_A (persist through power loss active)
//	byte 4  bit 7 WR_EX_AR  6 EX_AC_RO  5 WR_EX_RO  3 EX_AC  1 WR_EX
//	byte 5  bit 0 EX_AC_AR
func scsiCapabilities(b []byte) Reservations {
	r := Reservations{Protocol: "SCSI"}
	set := func(on bool, bit byte) {
		if on {
			r.Types |= bit
		}
	}
	set(b[3]&1 != 0, persistThroughPower)
	if b[3]&0x80 == 0 { // no mask: only that the command is understood
		return r
	}
	set(b[4]&(1<<1) != 0, writeExclusive)
	set(b[4]&(1<<3) != 0, exclusiveAccess)
	set(b[4]&(1<<5) != 0, writeExclusiveRegs)
	set(b[4]&(1<<6) != 0, exclusiveAccessRegs)
	set(b[4]&(1<<7) != 0, writeExclusiveAll)
	set(b[5]&1 != 0, exclusiveAccessAll)
	return r
}
