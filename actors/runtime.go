package actors

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/asynkron/protoactor-go/actor"
	"google.golang.org/protobuf/proto"

	"atelier/actors/store"
	"atelier/messages"
)

// Config bounds a Runtime.
type Config struct {
	Committer   CommitterConfig
	IdleAfter   time.Duration // an entity not used for that long, ± a fifth, is passivated
	MaxEntities int64         // beyond that the longest idle are passivated at once; beyond 1.25 × new ones are refused
	SweepEvery  time.Duration // how often the janitor looks for idle entities
}

// DefaultConfig suits a node with two cores and a few GiB of memory.
func DefaultConfig() Config {
	return Config{Committer: DefaultCommitterConfig(), IdleAfter: 10 * time.Minute, MaxEntities: 200_000, SweepEvery: 15 * time.Second}
}

// Runtime owns the entities of a node.
type Runtime struct {
	config    Config
	deps      Deps
	system    *actor.ActorSystem
	kinds     map[store.Kind]Kind
	directory *directory
	committer *Committer
	crew      *crew
	work      sync.WaitGroup // claims under way and the janitor
	entities  sync.WaitGroup // started and not stopped, whether in the directory or not
	crowded   chan struct{}  // there are too many entities
	stop      chan struct{}
	stopOnce  sync.Once

	mu     sync.RWMutex // held for reading while activating
	closed bool
}

// New makes a Runtime that writes through w. Add kinds to it, then Start it.
func New(config Config, deps Deps, w store.Writer) *Runtime {
	quiet := func(*actor.ActorSystem) *slog.Logger {
		return slog.New(warnings{deps.Log.Handler()}).With("lib", "protoactor")
	}
	if deps.Meter == nil {
		deps.Meter = unmetered{}
	}
	stop := make(chan struct{})
	return &Runtime{
		config: config, deps: deps, kinds: make(map[store.Kind]Kind), directory: newDirectory(), stop: stop, crew: newCrew(stop), crowded: make(chan struct{}, 1),
		system:    actor.NewActorSystem(actor.WithLoggerFactory(quiet), actor.WithDeadLetterRequestLogging(false)),
		committer: NewCommitter(config.Committer, w, deps.Meter, deps.Log),
	}
}

// warnings is a handler that leaves away what the library says of itself.
type warnings struct{ slog.Handler }

// Enabled implements slog.Handler.
func (w warnings) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && w.Handler.Enabled(ctx, l)
}

// Handle implements slog.Handler. What is an error to the library, such as a
// connection that was lost, is none of the node.
func (w warnings) Handle(ctx context.Context, r slog.Record) error {
	r.Level = min(r.Level, slog.LevelWarn)
	return w.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (w warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{w.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (w warnings) WithGroup(name string) slog.Handler { return warnings{w.Handler.WithGroup(name)} }

// Add makes a kind known. Not to be called after Start.
func (r *Runtime) Add(k Kind) { r.kinds[k.Name] = k }

// Start begins to passivate idle entities.
func (r *Runtime) Start() { r.goDo(r.janitor) }

// Stop refuses new activations, lets every flight land and be answered, and
// stops the entities. It waits for that until ctx ends.
func (r *Runtime) Stop(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.stopOnce.Do(func() { close(r.stop) })
	r.Forget()
	r.work.Wait()
	err := r.drain(ctx)
	r.committer.Stop()
	if !r.system.IsStopped() {
		r.system.Shutdown()
	}
	return err
}

// drain waits until all entities have stopped.
func (r *Runtime) drain(ctx context.Context) error {
	stopped := make(chan struct{})
	go func() {
		r.entities.Wait()
		close(stopped)
	}()
	select {
	case <-stopped:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Forget ends all activations: what they hold in memory may no longer be true.
func (r *Runtime) Forget() { r.directory.each(func(at *slot) { r.tell(at.pid, forget{}) }) }

// Revoke makes session entities forget what they hold when the account has ended
// their session: its commit fences their writes, not what they answer from
// memory. Whoever asks after Revoke has returned asks an activation that knows.
func (r *Runtime) Revoke(marks []messages.Mark) {
	for _, m := range marks {
		if m.Session == "" {
			continue
		}
		if at := r.directory.find(store.Session, m.Session); at != nil {
			r.tell(at.pid, forget{})
		}
	}
}

// System is the actor system that the entities live in. What gives it an address
// is to start before the first entity is asked.
func (r *Runtime) System() *actor.ActorSystem { return r.system }

// Live is the number of entities in memory.
func (r *Runtime) Live() int64 { return r.directory.live.Load() }

// Census is the number of entities in memory, by kind.
func (r *Runtime) Census() map[store.Kind]int64 {
	live := make(map[store.Kind]int64, len(r.kinds))
	for kind := range r.kinds {
		live[kind] = 0
	}
	r.directory.count(live)
	return live
}

// activate returns the live entity, or makes it live.
func (r *Runtime) activate(kind store.Kind, id string) (*slot, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return nil, messages.Refuse(messages.CodeUnavailable, "the node is shutting down")
	}
	if _, ok := r.kinds[kind]; !ok {
		return nil, messages.Missing("kind") // a newer node's
	}
	if live := r.directory.live.Load(); live > r.config.MaxEntities {
		r.callJanitor()
		if live > r.config.MaxEntities+r.config.MaxEntities/4 {
			r.deps.Meter.Overloaded(QueueEntities)
			return nil, errFull
		}
	}
	at := r.directory.get(kind, id, r.spawn)
	if at == nil {
		return nil, errMoved // it is being handed over
	}
	at.used.Store(time.Now().Unix())
	return at, nil
}

// spawn starts an entity. Its place is its first message: what else it is made of,
// it shares with its kind.
func (r *Runtime) spawn(at *slot) *actor.PID {
	r.entities.Add(1)
	r.deps.Meter.Activated(at.kind)
	pid := r.system.Root.Spawn(r.kinds[at.kind].props)
	r.tell(pid, at)
	return pid
}

// goDo runs f in a goroutine that Stop waits for.
func (r *Runtime) goDo(f func()) { r.work.Go(f) }

// tell sends a local message to an entity.
func (r *Runtime) tell(pid *actor.PID, m any) { r.system.Root.Send(pid, m) }

// answer replies to an asker.
func (r *Runtime) answer(pid *actor.PID, reply proto.Message) {
	if pid != nil {
		r.system.Root.Send(pid, reply)
	}
}
