package wire

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/tidelog/tide/broker/meta"
)

// InitProducerId, v0–5
//
//	v2  flexible
//	v3  the id and epoch that the producer has, to go on with a larger epoch (KIP-360)
//	v4  PRODUCER_FENCED
//	v5  transactions of KIP-890: TRANSACTION_ABORTABLE
//
// Ids come in blocks from the metadata and are never given out twice; what is
// left of a block at the end of the process is lost. A producer without a
// transactional id always gets a new id at epoch 0, as from Kafka: it raises
// its epoch by itself. A transactional id is INVALID_REQUEST, which clients
// take as final.

func init() {
	register(&api{
		name: "InitProducerId", key: 22, min: 0, max: 5, flexible: 2,
		body: []field{
			text(),            // transactional id
			fixed(4),          // transaction timeout
			fixed(8).since(3), // producer id
			fixed(2).since(3), // producer epoch
		},
		serve: serveKmsg(initProducerID),
	})
}

func initProducerID(c *conn, _ *request, req *kmsg.InitProducerIDRequest) *kmsg.InitProducerIDResponse {
	resp := kmsg.NewPtrInitProducerIDResponse()
	resp.ProducerID, resp.ProducerEpoch = -1, -1
	if req.TransactionalID != nil {
		resp.ErrorCode = kerr.InvalidRequest.Code
		return resp
	}
	id, err := c.srv.ids.next(c.ctx, &c.srv.cfg)
	if err != nil {
		resp.ErrorCode = c.code(err)
		return resp
	}
	resp.ProducerID, resp.ProducerEpoch = id, 0
	return resp
}

// producerIDBlock is how many ids are taken from the metadata at once, Kafka's
// number.
const producerIDBlock = 1000

// producerIDs gives out the ids of the current block.
type producerIDs struct {
	mu   sync.Mutex
	free int64 // next id; guarded by mu
	end  int64 // of the block; guarded by mu
}

// producerIDTime bounds the wait for a block: others queue behind it.
const producerIDTime = 5 * time.Second

// next takes one id. Those who come while a new block is on its way wait for
// it.
func (p *producerIDs) next(ctx context.Context, cfg *Config) (int64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.free == p.end {
		ctx, cancel := context.WithTimeout(ctx, producerIDTime)
		defer cancel()
		r, err := cfg.Metadata.Propose(ctx, meta.AllocateProducerIDs{
			NodeID: cfg.NodeID, NodeEpoch: cfg.NodeEpoch(), Count: producerIDBlock,
		})
		if err != nil {
			return 0, err
		}
		p.free, p.end = r.FirstProducerID, r.FirstProducerID+producerIDBlock
	}
	p.free++
	return p.free - 1, nil
}
