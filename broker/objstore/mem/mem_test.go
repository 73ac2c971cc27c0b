package mem_test

import (
	"testing"

	"github.com/tidelog/tide/broker/objstore"
	"github.com/tidelog/tide/broker/objstore/mem"
	"github.com/tidelog/tide/broker/objstore/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) objstore.Store { return mem.New() })
}
