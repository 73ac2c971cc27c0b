package group

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestOneMember(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, c *Coordinator, _ *memLog) {
		m := newClient(t, c)
		first := m.join(context.Background())
		require.Equal(t, kerr.MemberIDRequired.Code, first.ErrorCode)
		m.id = first.MemberID
		r := m.join(context.Background())
		require.Zero(t, r.ErrorCode)
		require.EqualValues(t, 1, r.Generation)
		require.Equal(t, m.id, r.LeaderID)
		require.Equal(t, "consumer", *r.ProtocolType)
		require.Equal(t, "range", *r.Protocol)
		require.Equal(t, []kmsg.JoinGroupResponseMember{{MemberID: m.id, ProtocolMetadata: []byte("topics of range")}}, r.Members)
		require.Equal(t, "CompletingRebalance", describe(c).State)
		require.Zero(t, m.sync(r).ErrorCode)
		require.Equal(t, "for "+m.id, m.assigned)
		require.Equal(t, "Stable", describe(c).State)
		require.NoError(t, m.heartbeat())
		require.NoError(t, m.leave())
		require.Equal(t, "Empty", describe(c).State)
		require.ErrorIs(t, m.heartbeat(), kerr.UnknownMemberID)
	})
}

// TestMembersComeAndGo: consumers that come, leave and die, and what the
// others see of it.
func TestMembersComeAndGo(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, c *Coordinator, _ *memLog) {
		clients := make([]*client, 4)
		stops := make([]context.CancelFunc, 4)
		for i := range clients {
			clients[i] = newClient(t, c)
			ctx, stop := context.WithCancel(context.Background())
			stops[i] = stop
			go clients[i].run(ctx)
			time.Sleep(5 * time.Second)
		}
		stable := func(n int) {
			t.Helper()
			time.Sleep(5 * time.Second)
			synctest.Wait()
			d := describe(c)
			require.Equal(t, "Stable", d.State)
			require.Len(t, d.Members, n)
			for _, m := range d.Members {
				require.Equal(t, "for "+m.MemberID, string(m.MemberAssignment))
			}
		}
		stable(4)
		stops[2]() // leaves
		synctest.Wait()
		require.NoError(t, clients[2].leave())
		stable(3)
		stops[0]() // the leader dies: its session ends, and another leads
		time.Sleep(12 * time.Second)
		stable(2)
		stops[1]()
		stops[3]()
		time.Sleep(12 * time.Second)
		synctest.Wait()
		require.Equal(t, "Empty", describe(c).State)
	})
}

// TestTogether: with a delay, members that start within it form one generation.
func TestTogether(t *testing.T) {
	bubble(t, Config{InitialRebalanceDelay: 3 * time.Second}, func(t *testing.T, c *Coordinator, _ *memLog) {
		begin := time.Now()
		clients := make([]*client, 5)
		for i := range clients {
			clients[i] = newClient(t, c)
			go clients[i].enter()
			time.Sleep(time.Second)
		}
		synctest.Wait()
		require.Equal(t, "PreparingRebalance", describe(c).State, "they wait for one another")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		for _, m := range clients {
			require.EqualValues(t, 1, m.generation)
			require.Equal(t, "for "+m.id, m.assigned)
		}
		require.Less(t, time.Since(begin), 20*time.Second)
	})
}

// TestRebalanceTimeout: members that do not join again in time are left out.
func TestRebalanceTimeout(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, c *Coordinator, _ *memLog) {
		slow, quick := newClient(t, c), newClient(t, c)
		slow.enter()
		begin := time.Now()
		stop := make(chan struct{})
		go func() { // alive, but it never joins again
			for {
				select {
				case <-stop:
					return
				case <-time.After(3 * time.Second):
					_ = slow.heartbeat()
				}
			}
		}()
		quick.enter()
		require.Equal(t, 60*time.Second, time.Since(begin))
		require.Len(t, describe(c).Members, 1)
		require.ErrorIs(t, slow.heartbeat(), kerr.UnknownMemberID)
		close(stop)
	})
}

// TestLeaderNeverSyncs: the others do not hang on it.
func TestLeaderNeverSyncs(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, c *Coordinator, _ *memLog) {
		leader := newClient(t, c)
		leader.enter()
		other := newClient(t, c)
		done := make(chan struct{})
		go func() { other.enter(); close(done) }()
		synctest.Wait()
		require.ErrorIs(t, leader.heartbeat(), kerr.RebalanceInProgress)
		r := leader.join(context.Background())
		require.Zero(t, r.ErrorCode)
		require.Equal(t, leader.id, r.LeaderID)
		<-done // its session ends, and the other leads
		require.Len(t, describe(c).Members, 1)
		require.Equal(t, "for "+other.id, other.assigned)
	})
}

func TestStaticMember(t *testing.T) {
	for _, version := range []int16{5, 8, 9} {
		bubble(t, Config{}, func(t *testing.T, c *Coordinator, _ *memLog) {
			one, two := static(t, c, "one"), static(t, c, "two")
			one.version, two.version = version, version
			one.enter()
			go two.enter()
			synctest.Wait()
			require.ErrorIs(t, one.heartbeat(), kerr.RebalanceInProgress)
			one.enter()
			synctest.Wait()
			generation := one.generation

			// Started again within its session: same assignment, no rebalance,
			// and its former self is fenced.
			again := static(t, c, "one")
			again.version = version
			r := again.join(context.Background())
			require.Zero(t, r.ErrorCode)
			require.Equal(t, generation, r.Generation)
			require.NotEqual(t, one.id, again.id)
			require.Equal(t, version >= 9, r.SkipAssignment)
			require.Equal(t, version >= 9, r.LeaderID == again.id, "older versions must not assign anew")
			require.Equal(t, version >= 9, len(r.Members) == 2)
			s := again.sync(kmsg.NewPtrJoinGroupResponse())
			require.Zero(t, s.ErrorCode)
			require.Equal(t, "for "+one.id, again.assigned)
			require.ErrorIs(t, one.heartbeat(), kerr.FencedInstanceID)
			require.ErrorIs(t, commitAs(c, one, 1), kerr.FencedInstanceID)
			require.ErrorIs(t, one.leave(), kerr.FencedInstanceID)
			require.NoError(t, two.heartbeat())
			require.NoError(t, again.heartbeat())

			// An administrator removes it by name.
			again.id = ""
			require.NoError(t, again.leave())
			require.ErrorIs(t, again.leave(), kerr.UnknownMemberID)
			require.ErrorIs(t, two.heartbeat(), kerr.RebalanceInProgress)
		})
	}
}

func TestProtocols(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, c *Coordinator, _ *memLog) {
		a, b, odd := newClient(t, c), newClient(t, c), newClient(t, c)
		a.protos, b.protos, odd.protos = []string{"sticky", "range"}, []string{"roundrobin", "range"}, []string{"roundrobin"}
		a.enter()
		require.Equal(t, "sticky", describe(c).Protocol)
		require.Equal(t, kerr.InconsistentGroupProtocol.Code, odd.join(context.Background()).ErrorCode)
		go b.enter()
		synctest.Wait()
		a.enter()
		synctest.Wait()
		require.Equal(t, "range", describe(c).Protocol, "the one that all support")
		odd.protos = nil
		require.Equal(t, kerr.InconsistentGroupProtocol.Code, odd.join(context.Background()).ErrorCode)
	})
}

// TestJoinRefusals: bounds and errors of JoinGroup.
func TestJoinRefusals(t *testing.T) {
	bubble(t, Config{MaxMembers: 2, MaxGroups: 2, MaxMemberBytes: 100}, func(t *testing.T, c *Coordinator, _ *memLog) {
		join := func(alter func(*kmsg.JoinGroupRequest)) error {
			req := kmsg.NewPtrJoinGroupRequest()
			req.Version, req.Group, req.SessionTimeoutMillis, req.ProtocolType = 4, "g", 10_000, "consumer"
			req.Protocols = []kmsg.JoinGroupRequestProtocol{{Name: "range"}}
			alter(req)
			return kerr.ErrorForCode(c.Join(context.Background(), req, "c", "h").ErrorCode)
		}
		require.ErrorIs(t, join(func(r *kmsg.JoinGroupRequest) { r.Group = "" }), kerr.InvalidGroupID)
		require.ErrorIs(t, join(func(r *kmsg.JoinGroupRequest) { r.SessionTimeoutMillis = 5_999 }), kerr.InvalidSessionTimeout)
		require.ErrorIs(t, join(func(r *kmsg.JoinGroupRequest) { r.SessionTimeoutMillis = 1_800_001 }), kerr.InvalidSessionTimeout)
		require.ErrorIs(t, join(func(r *kmsg.JoinGroupRequest) { r.MemberID = "x" }), kerr.UnknownMemberID)
		require.ErrorIs(t, join(func(r *kmsg.JoinGroupRequest) { r.Protocols[0].Metadata = make([]byte, 100) }), kerr.InvalidRequest)
		require.ErrorIs(t, join(func(*kmsg.JoinGroupRequest) {}), kerr.MemberIDRequired)
		require.ErrorIs(t, join(func(*kmsg.JoinGroupRequest) {}), kerr.MemberIDRequired)
		require.ErrorIs(t, join(func(*kmsg.JoinGroupRequest) {}), kerr.GroupMaxSizeReached, "ids that were given out count")
		require.ErrorIs(t, join(func(r *kmsg.JoinGroupRequest) { r.MemberID = "x" }), kerr.UnknownMemberID)
		require.NoError(t, join(func(r *kmsg.JoinGroupRequest) { r.Group, r.Version = "h", 3 }), "before v4 the first join counts")
		require.ErrorIs(t, join(func(r *kmsg.JoinGroupRequest) { r.Group = "third" }), kerr.CoordinatorNotAvailable)
		time.Sleep(11 * time.Second)
		require.ErrorIs(t, join(func(*kmsg.JoinGroupRequest) {}), kerr.MemberIDRequired, "ids that nobody came back with are free again")
	})
}

// TestLostConnection: a join whose connection breaks leaves a member that has
// its session to come back.
func TestLostConnection(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, c *Coordinator, _ *memLog) {
		a, b := newClient(t, c), newClient(t, c)
		a.enter()
		b.id = b.join(context.Background()).MemberID
		ctx, cancel := context.WithCancel(context.Background())
		lost := make(chan struct{})
		go func() { b.join(ctx); close(lost) }()
		synctest.Wait()
		cancel()
		<-lost
		back := make(chan struct{})
		go func() { b.enter(); close(back) }()
		synctest.Wait()
		a.enter()
		<-back
		require.Len(t, describe(c).Members, 2)
	})
}

// TestCloseEndsWaits: nobody hangs on a coordinator that stops.
func TestCloseEndsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := started(t, Config{}, &memLog{})
		a, b := newClient(t, c), newClient(t, c)
		a.enter()
		got := make(chan int16)
		go func() { got <- b.joinTwice().ErrorCode }()
		synctest.Wait()
		c.Close()
		require.Equal(t, kerr.NotCoordinator.Code, <-got)
		require.ErrorIs(t, a.heartbeat(), kerr.NotCoordinator)
		c.Close()
	})
}

// TestRetriedRequests: answers that were lost are given again, without a
// rebalance.
func TestRetriedRequests(t *testing.T) {
	bubble(t, Config{}, func(t *testing.T, c *Coordinator, _ *memLog) {
		m := newClient(t, c)
		r := m.joinTwice()
		again := m.join(context.Background())
		require.Equal(t, r, again)
		m.sync(r)
		require.Zero(t, m.sync(kmsg.NewPtrJoinGroupResponse()).ErrorCode)
		require.Equal(t, "for "+m.id, m.assigned)
		m.generation--
		require.ErrorIs(t, m.heartbeat(), kerr.IllegalGeneration)
		require.Equal(t, kerr.IllegalGeneration.Code, m.sync(r).ErrorCode)
		require.ErrorIs(t, commitAs(c, m, 1), kerr.IllegalGeneration)
	})
}
