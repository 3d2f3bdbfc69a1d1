package main

import (
	"fmt"
	"runtime"
)

// contests are the cases with their rivals, targets and conditions.
func contests(r *rig) []contest {
	var all []contest
	for _, n := range []int{1, 16, 64} {
		targets := map[int]float64{1: 0.9, 16: 1.2, 64: 3}
		must, cte := 0.0, 0.0
		if n == 64 {
			must, cte = 2, 1.5
		}
		all = append(all, contest{
			name: fmt.Sprintf("create/%d", n), about: "POST /projects against pgbench", ours: r.create(n),
			rivals: []rival{
				{r.pgbench("4 statements", "create", n), targets[n], must, 0},
				{r.pgbench("all rows", "create_rows", n), 0, 0, 0},
				{r.pgbench("one CTE", "create_cte", n), cte, 0, 0},
			},
		})
	}
	hot := &hotProject{}
	for _, n := range []int{1, 16, 64} {
		c := contest{
			name: fmt.Sprintf("hot/%d", n), about: "collaborators of one project added and removed, against pgbench on 10,000 projects", ours: r.change(hot, n),
			rivals: []rival{{r.pgbench("random projects", "change", n), 0, 0, 0}, {r.pgbench("random, one CTE", "change_cte", n), 0, 0, 0}},
		}
		switch n {
		case 16:
			c.rivals = append(c.rivals, rival{r.change(hot, 1), 4, 4, 0})
		case 64:
			c.rivals[0].target, c.rivals[0].must = 4, 3
		}
		all = append(all, c)
	}
	for _, n := range []int{16, 64} {
		all = append(all, contest{
			name: fmt.Sprintf("read/%d", n), about: "GET /projects/{id} against a bare Fiber", ours: r.read(n),
			rivals: []rival{{r.echoProject(n), 0.8, 0.6, 1.4}, {r.hello(n), 0, 0, 0}},
		})
	}
	all = append(all,
		contest{name: "list/16", about: "GET /projects, 20 from Postgres, against a bare Fiber", ours: r.list(16), rivals: []rival{{r.echoList(16), 0.25, 0, 0}}},
		contest{name: "login/8", about: "POST /auth/login against argon2id alone, on all cores and on the program's share of them, one less", ours: r.login(8), rivals: []rival{
			{hashing("argon2id on all cores", runtime.GOMAXPROCS(0)), 0.85, 0, 0}, {hashing("argon2id on the program's share", slots()), 0.85, 0.85, 0},
		}},
		contest{name: "refresh/64", about: "POST /auth/refresh against POST /projects", ours: r.refresh(64), rivals: []rival{{r.create(64), 0.8, 0, 0}}},
	)
	for _, n := range []int{64, 256} {
		target := 6.0
		if n == 256 {
			target = 10
		}
		all = append(all, contest{
			name: fmt.Sprintf("committer/%d", n), about: "the group commit alone against one pgx transaction each", ours: r.groups(n),
			rivals: []rival{{r.transactions(n), target, 0, 0}},
		})
	}
	return all
}
