// Package compact keeps the store in order behind the broker's back: it merges
// small objects (Compactor) and deletes what nothing refers to any more
// (Cleaner).
//
// Uploads leave one stream-set object each, in which every stream has a small
// share, and objects of single streams that are as small as one upload. Left
// alone, their number grows for ever, and a reader of one stream pays a GET for
// each share:
//
//	upload 1 ┤a a│b│c├   upload 2 ┤a a│b│c├   upload 3 ┤a a│b│c├      stream-set objects
//	          └──────────────┬─────┴────────────────┘
//	sets     ┤b b b│c c c├   ┤a a a a a a├                   a is large: an object of its own
//	                          └──────┬───────┬─────────┐
//	streams                  ┤a a a a a a a a a a a a a a a a├        at least Target
//
// What is merged, and when, is in plan.go and takes metadata only. How it is
// copied is in layout.go (which bytes go where, known before any is read) and
// work.go (read, check, put, commit). DataBlocks are copied as they are;
// neighbours of one stream share an index entry as long as they stay within
// GroupBytes.
//
// Memory: the bytes of ONE object are held at a time, off the Go heap, in an
// arena of exactly its size: at most twice Target, besides the read windows.
// So a Put can be repeated as often as its store needs, out of memory that does
// not change, and no Store had to learn of bodies that are made on the way
// (decision 012).
//
// Safety: an output is prepared, put, and then committed by CompactObjects,
// which is refused unless all sources are live (rule 8). A crash before the
// commit leaves a prepared id, which expires, and bytes, which the Cleaner
// deletes; one after it leaves nothing to do. Nothing is ever read twice or
// resumed: the next round plans anew from the metadata.
package compact
