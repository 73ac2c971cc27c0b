package doctor

import (
	"context"
	"fmt"
	"strings"
)

func init() {
	register(check{order: 70, name: "ebs", wanted: "on EC2: an instance whose baseline carries the WAL, without its burst", run: ebs})
}

// bandwidth of an instance to its volumes, Mbit/s and IOPS, as AWS publishes
// it. Burst lasts 30 minutes a day: a shorter run measures it by mistake.
type bandwidth struct {
	baseMbps, burstMbps int
	baseIOPS, burstIOPS int
}

// instances are the ones that our plans use; any other is looked up by the
// command that the remedy names.
var instances = map[string]bandwidth{
	"m5.large":    {650, 4750, 3600, 18750},
	"m6i.large":   {650, 10000, 3600, 40000},
	"m6i.xlarge":  {1250, 10000, 6000, 40000},
	"m6i.2xlarge": {2500, 10000, 12000, 40000},
	"r6i.large":   {650, 10000, 3600, 40000},
	"r6i.xlarge":  {1250, 10000, 6000, 40000},
	"r6i.2xlarge": {2500, 10000, 12000, 40000},
}

// ebs asks the instance what it is, and only an instance: anywhere else the
// question would leave the machine, and nobody would answer.
func ebs(ctx context.Context, s *System) answer {
	if !s.onEC2() {
		return fine("not on EC2")
	}
	kind, err := s.Metadata(ctx, "instance-type")
	if err != nil {
		return bad("on EC2, instance type not told: "+err.Error(), "allow the instance metadata service (IMDSv2), with a hop limit of 2 in containers")
	}
	b, known := instances[kind]
	lookup := "aws ec2 describe-instance-types --instance-types " + kind + " --query InstanceTypes[].EbsInfo.EbsOptimizedInfo"
	if !known {
		return bad(kind+", whose bandwidth is not in our table", lookup)
	}
	found := fmt.Sprintf("%s: baseline %d Mbit/s (%.0f MiB/s) and %d IOPS, burst %d Mbit/s and %d IOPS",
		kind, b.baseMbps, mibPerSecond(b.baseMbps), b.baseIOPS, b.burstMbps, b.burstIOPS)
	if b.burstMbps > b.baseMbps {
		return bad(found, "plan for the baseline: the burst lasts 30 minutes a day, and a result made in it does not repeat; volume limits: aws ec2 describe-volumes")
	}
	return fine("%s", found)
}

func mibPerSecond(mbps int) float64 { return float64(mbps) * 1e6 / 8 / (1 << 20) }

// onEC2 reads what the firmware says of its maker. Xen instances say it in the
// BIOS, Nitro and bare metal ones in all the other fields.
func (s *System) onEC2() bool {
	for _, f := range []string{"sys_vendor", "board_vendor", "product_name", "bios_vendor", "bios_version"} {
		v := strings.ToLower(s.read("/sys/class/dmi/id/" + f))
		if strings.Contains(v, "amazon") {
			return true
		}
	}
	return false
}
