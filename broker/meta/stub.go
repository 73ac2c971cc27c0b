package meta

func (RegisterNode) caller() (int32, int64, bool)                    { return 0, 0, false }
func (RegisterNode) execute(*Image) (Result, []Change, error)        { panic(0) }
func (WALOpened) caller() (int32, int64, bool)                       { return 0, 0, false }
func (WALOpened) execute(*Image) (Result, []Change, error)           { panic(0) }
func (WALClosed) caller() (int32, int64, bool)                       { return 0, 0, false }
func (WALClosed) execute(*Image) (Result, []Change, error)           { panic(0) }
func (CreateTopic) caller() (int32, int64, bool)                     { return 0, 0, false }
func (CreateTopic) execute(*Image) (Result, []Change, error)         { panic(0) }
func (DeleteTopic) caller() (int32, int64, bool)                     { return 0, 0, false }
func (DeleteTopic) execute(*Image) (Result, []Change, error)         { panic(0) }
func (OpenStream) caller() (int32, int64, bool)                      { return 0, 0, false }
func (OpenStream) execute(*Image) (Result, []Change, error)          { panic(0) }
func (CloseStream) caller() (int32, int64, bool)                     { return 0, 0, false }
func (CloseStream) execute(*Image) (Result, []Change, error)         { panic(0) }
func (PrepareObjects) caller() (int32, int64, bool)                  { return 0, 0, false }
func (PrepareObjects) execute(*Image) (Result, []Change, error)      { panic(0) }
func (CommitObject) caller() (int32, int64, bool)                    { return 0, 0, false }
func (CommitObject) execute(*Image) (Result, []Change, error)        { panic(0) }
func (TrimStream) caller() (int32, int64, bool)                      { return 0, 0, false }
func (TrimStream) execute(*Image) (Result, []Change, error)          { panic(0) }
func (ExpireObjects) caller() (int32, int64, bool)                   { return 0, 0, false }
func (ExpireObjects) execute(*Image) (Result, []Change, error)       { panic(0) }
func (ForgetObjects) caller() (int32, int64, bool)                   { return 0, 0, false }
func (ForgetObjects) execute(*Image) (Result, []Change, error)       { panic(0) }
func (AllocateProducerIDs) caller() (int32, int64, bool)             { return 0, 0, false }
func (AllocateProducerIDs) execute(*Image) (Result, []Change, error) { panic(0) }
func (AlterConfigs) caller() (int32, int64, bool)                    { return 0, 0, false }
func (AlterConfigs) execute(*Image) (Result, []Change, error)        { panic(0) }
func (NodeChanged) apply(*Image)                                     {}
func (NodeChanged) weight() int                                      { return 0 }
func (TopicCreated) apply(*Image)                                    {}
func (TopicCreated) weight() int                                     { return 0 }
func (TopicDeleted) apply(*Image)                                    {}
func (TopicDeleted) weight() int                                     { return 0 }
func (PartitionChanged) apply(*Image)                                {}
func (PartitionChanged) weight() int                                 { return 0 }
func (ConfigsChanged) apply(*Image)                                  {}
func (ConfigsChanged) weight() int                                   { return 0 }
func (StreamChanged) apply(*Image)                                   {}
func (StreamChanged) weight() int                                    { return 0 }
func (RangeAdded) apply(*Image)                                      {}
func (RangeAdded) weight() int                                       { return 0 }
func (StreamReplaced) apply(*Image)                                  {}
func (StreamReplaced) weight() int                                   { return 0 }
func (ObjectChanged) apply(*Image)                                   {}
func (ObjectChanged) weight() int                                    { return 0 }
func (ObjectForgotten) apply(*Image)                                 {}
func (ObjectForgotten) weight() int                                  { return 0 }
func (CountersChanged) apply(*Image)                                 {}
func (CountersChanged) weight() int                                  { return 0 }
