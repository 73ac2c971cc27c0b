package target

import (
	"cmp"
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

// Settings of Apache Kafka itself are keys of kafka and kafka-tiered as well, by
// the names of its server.properties:
//
//	kafka?num.io.threads=4&jvm=-XX:+UseZGC
//
// serve appends them, so that they come over those of the profile. A name is
// told from a key by its dot. Kafka itself takes any name and is silent about
// what it does not know, so the names are checked here.

// kafkaSettings are the names of server.properties, one a line, sorted:
// AbstractKafkaConfig.CONFIG_DEF.names() of the version that scripts/kafka/pom.xml
// pins. A test in itest/ asks the jars for them.
//
//go:embed kafka_settings.txt
var kafkaSettings string

const (
	flushes   = "say flush=1, by which results tell durable rows apart"
	places    = "say s3= or store=, by which results tell where objects are"
	oneNode   = "there is one node, which has one replica of everything"
	ownedHere = "it is set by the benchmark itself"
)

// ownedSettings are what the target's keys say, or what makes it what it is, and
// why they are not given.
var ownedSettings = map[string]string{
	"log.flush.interval.messages":                              flushes,
	"log.flush.interval.ms":                                    flushes, // a row said to flush never would flush now and then
	"log.flush.scheduler.interval.ms":                          flushes, // and what the one above is by default
	"rsm.config.cache.bytes":                                   "say cache=",
	"rsm.config.prefetch.bytes":                                "say prefetch=",
	"rsm.config.upload.part.bytes":                             "say part=",
	"rsm.config.s3.bucket":                                     places,
	"rsm.config.s3.endpoint":                                   places,
	"rsm.config.s3.path.style":                                 places,
	"rsm.config.s3.prefix":                                     places,
	"rsm.config.s3.region":                                     places,
	"rsm.config.cache.dir":                                     "",
	"rsm.config.delete.on.close":                               "",
	"rsm.config.dir":                                           "",
	"rsm.config.metrics.port":                                  "",
	"rsm.config.transferer.class":                              "",
	"rlmm.config.remote.log.metadata.topic.min.isr":            oneNode,
	"rlmm.config.remote.log.metadata.topic.replication.factor": oneNode,
	"process.roles":                                            "", // the benchmark's own: one node, on loopback, with its data beside the results
	"node.id":                                                  "",
	"broker.id":                                                "",
	"controller.quorum.voters":                                 "",
	"controller.listener.names":                                "",
	"listeners":                                                "",
	"advertised.listeners":                                     "",
	"inter.broker.listener.name":                               "",
	"security.inter.broker.protocol":                           "",
	"listener.security.protocol.map":                           "",
	"log.dir":                                                  "",
	"log.dirs":                                                 "",
	"metadata.log.dir":                                         "",
	"remote.log.storage.system.enable":                         "say kafka-tiered",
	"remote.log.storage.manager.class.name":                    "say rsm=",
	"remote.log.storage.manager.class.path":                    "say rsm=",
	"remote.log.storage.manager.impl.prefix":                   "",
	"remote.log.metadata.manager.class.name":                   "",
	"remote.log.metadata.manager.class.path":                   "",
	"remote.log.metadata.manager.impl.prefix":                  "",
	"remote.log.metadata.manager.listener.name":                "",
}

// isProperty tells a setting of server.properties from a key of ours.
func isProperty(name string) bool { return strings.Contains(name, ".") || name == "listeners" }

// setProperty takes a setting of server.properties.
func (s *Spec) setProperty(name, value string) error {
	if s.Kind != KafkaTiered && (strings.HasPrefix(name, metadataPrefix) || strings.HasPrefix(name, storagePrefix)) {
		return fmt.Errorf("%s: %s has no tier: say %s", name, s.Kind, KafkaTiered)
	}
	why, owned := ownedSettings[name]
	if clients := ownedClient(name); clients != "" {
		why, owned = clients, true
	}
	if owned {
		return fmt.Errorf("%s cannot be given: %s", name, cmp.Or(why, ownedHere))
	}
	if name == "log.segment.bytes" && s.Kind == KafkaTiered {
		return fmt.Errorf("%s cannot be given: say segment=", name)
	}
	if strings.ContainsAny(value, "\\\n\r") {
		return fmt.Errorf("%s: %q: want one line without a backslash", name, value)
	}
	if err := s.knows(name); err != nil {
		return err
	}
	s.Keys[name] = value
	return nil
}

// nearest of the two neighbours of a name in a sorted list: that which begins
// as it does for longer.
func nearest(sorted []string, at int, name string) string {
	common := func(i int) int {
		n := 0
		for n < min(len(sorted[i]), len(name)) && sorted[i][n] == name[n] {
			n++
		}
		return n
	}
	if at == len(sorted) || at > 0 && common(at-1) >= common(at) {
		at--
	}
	return sorted[at]
}

// properties are those that were given, as KEY=VALUE, sorted.
func (s Spec) properties() []string {
	var out []string
	for name, value := range s.Keys {
		if isProperty(name) {
			out = append(out, name+"="+value)
		}
	}
	slices.Sort(out)
	return out
}

// heapOptions begin options that would make the heap another one than results
// say: they come behind those of heap=, and the last one counts. Two of them name
// a file that may hold any.
var heapOptions = []string{
	"-Xmx", "-Xms", "-XX:MaxHeapSize=", "-XX:InitialHeapSize=", "-XX:MinHeapSize=", "-XX:Flags=", "-XX:VMOptionsFile=",
}

// jvmOptions reads jvm=: options of the JVM with blanks between them.
func jvmOptions(text string) ([]string, error) {
	words := strings.Fields(text)
	for _, w := range words {
		switch {
		case slices.ContainsFunc(heapOptions, func(o string) bool { return strings.HasPrefix(w, o) }):
			return nil, fmt.Errorf("jvm: %s: say heap=", w)
		case !strings.HasPrefix(w, "-X") && !strings.HasPrefix(w, "-D"):
			return nil, fmt.Errorf("jvm: %s: want options that begin with -X or -D", w)
		}
	}
	return words, nil
}
