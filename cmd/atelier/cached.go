package main

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"atelier/messages"
	"atelier/persistence/cache"
	"atelier/persistence/redis"
)

// cacheSettings say whether lists are kept.
type cacheSettings struct {
	Cache string `help:"on: what lists show and is costly to work out is kept in memory, in Redis where there is one (ATELIER_REDIS_URL) and in Postgres, and shown as long as it is current. off: it is worked out each time." enum:"on,off" default:"on" env:"ATELIER_CACHE" group:"Lists"`
}

// Times of the tiers.
const (
	inRedis     = time.Hour
	inDatabase  = 24 * time.Hour
	storeTime   = 500 * time.Millisecond // of one question; the list waits for it
	redisLinks  = 16
	mostMembers = 100 // of a page
)

// startCache brings up the tiers: memory, Redis, the database. Embedded there is memory
// alone: the file of the database is as near.
func (s *server) startCache(c settings, db *opened) error {
	if c.Cache == "off" {
		return nil
	}
	var tiers []cache.Tier
	if c.RedisURL != "" {
		client, err := redis.OpenPool(c.RedisURL, redisLinks)
		if err != nil {
			return fmt.Errorf("ATELIER_REDIS_URL: %w", err)
		}
		s.onStop(func(context.Context) error { return client.Close() })
		tiers = append(tiers, cache.Tier{Name: "redis", Store: redis.NewCache(client), Keep: inRedis, Timeout: client.Patience()})
	}
	if db.cache != nil {
		tiers = append(tiers, cache.Tier{Name: "database", Store: db.cache, Keep: inDatabase, Timeout: storeTime})
	}
	s.cache = cache.New(cache.DefaultConfig(), s.log, tiers...)
	s.background(s.cache.Run)
	return nil
}

// cacheStore is the database's part of the cache.
type cacheStore interface {
	cache.Store
	SweepCache(ctx context.Context, limit int) (removed int, err error)
}

// lists are the queries of the edge. What they decide, whose projects are which and
// who is in them, is asked of the database each time, with the stamp of each project;
// of what a project shows, the cache has what is of that stamp.
//
// user:{id}:projects is not among what is kept, since it is the decision itself: which
// projects a user may see. Neither is user:{id}: its row is found by one look into an
// index, and what a user was called must not live on elsewhere when he is deleted.
type lists struct {
	engine
	floor *floor       // of replicas; nil: there are none
	cache *cache.Cache // nil: nothing is kept
	finds finder       // finds projects
}

func newLists(db *opened, f *floor, c *cache.Cache) lists {
	return lists{db, f, c, finderOf(db)}
}

// finder finds whose projects are which.
type finder interface {
	FindProjects(context.Context, *messages.ProjectQuery) (*messages.FoundProjects, error)
}

// ListProjects pages through the projects that are a user's.
func (l lists) ListProjects(ctx context.Context, q *messages.ProjectQuery) (*messages.ProjectPage, error) {
	return guarded(ctx, l.floor, q, l.listProjects)
}

func (l lists) listProjects(ctx context.Context, q *messages.ProjectQuery) (*messages.ProjectPage, error) {
	if l.cache == nil {
		return l.engine.ListProjects(ctx, q)
	}
	found, err := l.finds.FindProjects(ctx, q)
	if err != nil {
		return nil, err
	}
	if page, ok := l.keptProjects(ctx, found); ok {
		return page, nil
	}
	page, err := l.engine.ListProjects(ctx, q)
	for _, p := range page.GetItems() {
		l.keep(projectKey(p.GetId(), messages.StampOf(p.GetVersion(), p.GetUpdatedAt())), p)
	}
	return page, err
}

func projectKey(id, stamp string) cache.Key {
	return cache.Key{Name: "project:" + id, Stamp: stamp}
}

// keptProjects are those of a page, if all are kept.
func (l lists) keptProjects(ctx context.Context, found *messages.FoundProjects) (*messages.ProjectPage, bool) {
	keys := make([]cache.Key, len(found.Items))
	for i, p := range found.Items {
		keys[i] = projectKey(p.ID, p.Stamp)
	}
	kept := l.cache.Get(ctx, keys...)
	page := &messages.ProjectPage{Next: found.Next}
	for _, k := range keys {
		p := &messages.Project{}
		body, ok := kept[k.Name]
		if !ok || proto.Unmarshal(body, p) != nil {
			return nil, false
		}
		page.Items = append(page.Items, p)
	}
	return page, true
}

func (l lists) keep(k cache.Key, m proto.Message) {
	if body, err := proto.Marshal(m); err == nil {
		l.cache.Put(messages.Cached{Name: k.Name, Stamp: k.Stamp, Body: body})
	}
}

// ListFeed reads what concerns a user.
func (l lists) ListFeed(ctx context.Context, q *messages.FeedQuery) (*messages.FeedPage, error) {
	return guarded(ctx, l.floor, q, l.engine.ListFeed)
}

// ListMembers pages through the collaborators of a project that its entity has just
// shown to the caller. The first page of any length is made of what is kept, and of
// what the users are called now.
func (l lists) ListMembers(ctx context.Context, q *messages.CollaboratorQuery, of *messages.Project) (*messages.CollaboratorPage, error) {
	if l.cache == nil || q.GetAfter() != nil || q.GetLimit() > mostMembers {
		return l.engine.ListCollaborators(ctx, q)
	}
	k := cache.Key{Name: "project:" + of.GetId() + ":collaborators", Stamp: messages.StampOf(of.GetVersion(), of.GetUpdatedAt())}
	page := &messages.CollaboratorPage{}
	body, err := l.cache.One(ctx, k, func(ctx context.Context) (messages.Cached, error) { return l.members(ctx, k, of) })
	if err != nil {
		return nil, err
	}
	if proto.Unmarshal(body, page) != nil {
		return l.engine.ListCollaborators(ctx, q)
	}
	all, err := l.named(ctx, first(page, q.GetLimit()))
	if err == nil && !all {
		return l.engine.ListCollaborators(ctx, q)
	}
	return page, err
}

// members works out the longest first page, without what its users are called. What
// the database, or a replica of it, shows of another version than the entity has is
// not kept.
func (l lists) members(ctx context.Context, k cache.Key, of *messages.Project) (messages.Cached, error) {
	page, err := l.engine.ListCollaborators(ctx, &messages.CollaboratorQuery{ProjectId: of.GetId(), Limit: mostMembers})
	if err != nil {
		return messages.Cached{}, err
	}
	stamp := k.Stamp
	if len(page.GetItems()) == 0 && of.GetCollaboratorCount() > 0 {
		stamp = ""
	}
	for _, m := range page.GetItems() {
		if m.GetVersion() != of.GetVersion() {
			stamp = ""
		}
		m.User = nil
	}
	body, err := proto.Marshal(page)
	return messages.Cached{Name: k.Name, Stamp: stamp, Body: body}, err
}

// first cuts a page.
func first(page *messages.CollaboratorPage, limit int32) *messages.CollaboratorPage {
	if len(page.GetItems()) > int(limit) {
		page.Items = page.Items[:limit]
		last := page.Items[len(page.Items)-1]
		page.Next = &messages.PageKey{Id: last.GetUserId(), At: last.GetAddedAt()}
	}
	return page
}

// named adds what users are called, and reports whether all were found.
func (l lists) named(ctx context.Context, page *messages.CollaboratorPage) (all bool, err error) {
	ids := make([]string, len(page.GetItems()))
	for i, m := range page.GetItems() {
		ids[i] = m.GetUserId()
	}
	if len(ids) == 0 {
		return true, nil
	}
	users, err := l.engine.PublicUsers(ctx, ids)
	if err != nil {
		return false, err
	}
	for _, m := range page.GetItems() {
		if m.User = users[m.GetUserId()]; m.User == nil {
			return false, nil
		}
	}
	return true, nil
}

// readCache adds what was looked for in the tiers.
func (m *metrics) readCache(c *cache.Cache) {
	m.Counter("atelier_cache_reads_total", "Values that were looked for in a tier of the cache.", []string{"tier", "result"}, func(value func(float64, ...string)) {
		for _, s := range c.Stats() {
			value(float64(s.Hits), s.Tier, "hit")
			value(float64(s.Misses), s.Tier, "miss")
		}
	})
	m.Counter("atelier_cache_failures_total", "Questions that a tier of the cache did not answer.", []string{"tier"}, func(value func(float64, ...string)) {
		for _, s := range c.Stats() {
			value(float64(s.Failures), s.Tier)
		}
	})
	m.Gauge("atelier_cache_entries", "Values in memory.", nil, one(c.Len))
}
