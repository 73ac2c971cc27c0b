package target

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

// Some settings of server.properties belong to a part that reads them by itself:
//
//	listener.name.LISTENER.KEY   one listener, in place of the broker's own KEY
//	rlmm.config.KEY              the metadata manager of a tier (Kafka's, over a topic), and its clients
//	rsm.config.KEY               the storage manager of a tier: scripts/kafka/rsm, or LocalTieredStorage
//
// Kafka's own parts take any name and are silent about what they do not know, so
// these are lists of what is taken, and everything else is refused.

const (
	listenerPrefix = "listener.name."
	metadataPrefix = "rlmm.config."
	storagePrefix  = "rsm.config."
)

// listenerSettings are those that SocketServer reads for each listener and that
// have a meaning without TLS and SASL. The names are those of the two listeners
// that scripts/kafka/server-*.properties have.
var listenerSettings = with([]string{"listener.name.controller.", "listener.name.plaintext."},
	"max.connection.creation.rate", "max.connections", "num.network.threads")

// metadataSettings are TopicBasedRemoteLogMetadataManagerConfig's, and those of
// its clients that change how they work and not whom they talk to, one a line,
// sorted. A test in itest/ holds them against the jars.
//
//go:embed rlmm_settings.txt
var metadataSettings string

// clientPrefixes begin what the metadata manager hands to its clients; the second
// is for all of them.
var clientPrefixes = []string{
	"rlmm.config.remote.log.metadata.admin.", "rlmm.config.remote.log.metadata.common.client.",
	"rlmm.config.remote.log.metadata.consumer.", "rlmm.config.remote.log.metadata.producer.",
}

// ownedByClients are what the metadata manager puts over whatever is given.
var ownedByClients = []string{
	"acks", "auto.offset.reset", "client.id", "enable.auto.commit", "enable.idempotence", "exclude.internal.topics",
	"key.deserializer", "key.serializer", "value.deserializer", "value.serializer",
}

// Settings of the storage managers that are no keys of a row.
var (
	pluginSettings = with([]string{storagePrefix}, "attempts", "chunk.bytes", "fetch.threads", "upload.threads")
	localSettings  = with([]string{storagePrefix}, "delete.enable")

	storageSettings = slices.Sorted(slices.Values(slices.Concat(pluginSettings, localSettings)))
)

// with puts each prefix before each of the keys, and sorts what comes of it.
func with(prefixes []string, keys ...string) []string {
	var out []string
	for _, p := range prefixes {
		for _, k := range keys {
			out = append(out, p+k)
		}
	}
	slices.Sort(out)
	return out
}

// knows refuses a setting that is not in the list of whoever reads it.
func (s *Spec) knows(name string) error {
	known, of := strings.Fields(kafkaSettings), "no setting of Apache Kafka's"
	switch {
	case strings.HasPrefix(name, listenerPrefix):
		known, of = listenerSettings, "not taken: the listeners are plaintext and controller, without TLS and SASL"
	case strings.HasPrefix(name, metadataPrefix):
		known, of = strings.Fields(metadataSettings), "not among the settings of the metadata manager that are taken"
	case strings.HasPrefix(name, storagePrefix):
		known, of = storageSettings, "no setting of the storage manager's"
	}
	at, found := slices.BinarySearch(known, name)
	if !found {
		return fmt.Errorf("%s is %s; by name the nearest is %s", name, of, nearest(known, at, name))
	}
	return nil
}

// ownedClient says why a setting of the metadata manager's clients cannot be
// given, "" where it can.
func ownedClient(name string) string {
	for _, prefix := range clientPrefixes {
		key, of := strings.CutPrefix(name, prefix)
		switch {
		case of && slices.Contains(ownedByClients, key):
			return "the metadata manager sets it itself"
		case of && (key == "bootstrap.servers" || key == "security.protocol"):
			return ownedHere
		}
	}
	return ""
}

// otherStorage refuses what only the storage manager reads that the row has not.
func (s Spec) otherStorage(rsm string) error {
	of, foreign := "LocalTieredStorage", slices.Concat([]string{"cache", "prefetch", "part"}, pluginSettings)
	if rsm != "local" {
		of, foreign = "the plug-in of scripts/kafka/rsm", localSettings
	}
	for _, name := range foreign {
		if s.Keys[name] != "" {
			return fmt.Errorf("%s: %s (rsm=%s) has no such setting", name, of, rsm)
		}
	}
	return nil
}
