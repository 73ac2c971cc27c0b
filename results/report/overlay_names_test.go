package report

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// TestArmNames: a legend tells apart what a file sets, and says which tier it is
// where it is not S3.
func TestArmNames(t *testing.T) {
	local := map[string]string{"kafka.remote.log.storage.manager.class.name": "org.apache.kafka.server.log.remote.storage.LocalTieredStorage"}
	require.Equal(t, []string{"kafka", "kafka+zgc", "kafka+g1", "kafka-tiered (LocalTieredStorage)", "kafka-tiered"}, armsOf([]*digest{
		{Workload: "w", Target: "kafka?flush=1"},
		{Workload: "w", Target: "kafka+zgc?flush=1"},
		{Workload: "w", Target: "kafka+g1?flush=1"},
		{Workload: "w", Target: "kafka-tiered?rsm=local", config: local},
		{Workload: "w", Target: "kafka-tiered", config: map[string]string{"kafka.remote.log.storage.manager.class.name": "tide.rsm.S3RemoteStorageManager"}},
	}, nil))
}
