package main

import (
	"context"
	"fmt"
	"time"

	httpd "atelier/http"
	"atelier/http/limit"
	"atelier/persistence/redis"
)

// callersKept is how many callers of a kind are counted one by one; that takes some
// 200 bytes for each, and up to 4 KB for who has used up an hour's limit.
const callersKept = 200_000

// limits are the budgets of callers, nil where they are not limited. Nodes of a
// cluster count together where there is a Redis, and have equal shares otherwise.
func (s *server) limits(c limitSettings) (*httpd.Limits, error) {
	if !c.limited() {
		return nil, nil
	}
	nodes := func() int { return 1 }
	if s.peers != nil {
		nodes = func() int { return len(s.peers.caller.View().Nodes) }
	}
	anybody := limit.NewBudget(httpd.BudgetAddress, c.anybody(), callersKept, nodes, time.Now)
	users := limit.NewBudget(httpd.BudgetUser, c.users(), callersKept, nodes, time.Now)
	var common *limit.Common
	if c.RedisURL != "" {
		client, err := redis.Open(c.RedisURL)
		if err != nil {
			return nil, fmt.Errorf("ATELIER_REDIS_URL: %w", err)
		}
		s.onStop(func(context.Context) error { return client.Close() })
		store := redis.NewLimits(context.Background(), client)
		s.onStop(func(context.Context) error { store.Close(); return nil })
		common = limit.NewCommon(store, freshName(), s.log, anybody, users)
		s.background(common.Run)
	}
	s.metrics.readLimits(common, map[string]*limit.Budget{httpd.BudgetAddress: anybody, httpd.BudgetUser: users})
	return &httpd.Limits{Addresses: anybody, Users: users}, nil
}

// readLimits adds what is looked up in the budgets.
func (m *metrics) readLimits(common *limit.Common, budgets map[string]*limit.Budget) {
	m.Gauge("atelier_rate_limit_callers", "Callers whose latest requests are remembered.", []string{"budget"}, func(value func(float64, ...string)) {
		for name, b := range budgets {
			value(float64(b.Callers()), name)
		}
	})
	m.Gauge("atelier_rate_limits_together", "1 while the nodes count callers' requests together, 0 while each has its share.", nil, one(func() float64 {
		return oneIf(common != nil && common.Together())
	}))
	m.Counter("atelier_rate_limits_lost_total", "Times that the common count was lost.", nil, one(func() int64 {
		if common == nil {
			return 0
		}
		return common.Lost()
	}))
}
