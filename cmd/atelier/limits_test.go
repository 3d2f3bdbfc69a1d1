package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"atelier/messages"
)

// TestLimitsHoldUnderConcurrency: of 50 parallel joins exactly as many succeed
// as there are seats.
func TestLimitsHoldUnderConcurrency(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada := signUp(t, p, "ada")
		var users []*answer
		for len(users) < 50 { // few at a time: the queue for hashing is bounded
			at := len(users)
			users = append(users, together(10, func(i int) *answer {
				return ada.nobody().post("/auth/register", object{"email": fmt.Sprintf("u%d@example.com", at+i), "name": "U", "password": goodPassword}).created(t)
			})...)
		}
		for _, limit := range []int{0, 1, 3, 7} {
			t.Run(fmt.Sprint(limit), func(t *testing.T) {
				t.Parallel()
				project := ada.post("/projects", object{"name": "Harbour", "settings": object{"max_collaborators": limit}}).created(t)
				path := "/projects/" + project.text("id")
				answers := together(50, func(i int) *answer {
					return ada.post(path+"/collaborators", object{"user_id": users[i].text("id")})
				})
				require.Equal(t, limit, statuses(answers)[201])
				for _, a := range answers {
					if a.status != 201 {
						a.refused(t, 409, "collaborator_limit_reached")
					}
				}
				after := ada.get(path).want(t, 200)
				require.Equal(t, limit, after.number("collaborator_count"))
				require.Equal(t, 1+limit, after.number("version"))
				require.Len(t, ada.get(path+"/collaborators?limit=100").items(), limit)
				require.Len(t, ada.get(path+"/events?limit=100").items(), 1+limit)
			})
		}
	})
}

// TestOneVersionOneWrite: of parallel conditional writes on one version one
// succeeds.
func TestOneVersionOneWrite(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		ada := signUp(t, startProgram(t, store), "ada")
		project := ada.post("/projects", object{"name": "Harbour"}).created(t)
		for round := range 5 {
			version := ada.get("/projects/" + project.text("id")).header.Get("ETag")
			answers := together(20, func(i int) *answer {
				return ada.patch("/projects/"+project.text("id"), object{"name": fmt.Sprintf("%d-%d", round, i)}, "If-Match: "+version)
			})
			require.Equal(t, map[int]int{200: 1, 412: 19}, statuses(answers))
		}
	})
}

func TestIdempotency(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada, bob := signUp(t, p, "ada"), signUp(t, p, "bob")
		key := "Idempotency-Key: " + uuid.NewString()
		first := ada.post("/projects", object{"name": "Harbour"}, key).created(t)
		require.Empty(t, first.header.Get("Idempotency-Replayed"))
		again := ada.post("/projects", object{"name": "Harbour"}, key).created(t)
		require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
		require.Equal(t, string(first.body), string(again.body))
		for _, header := range []string{"Location", "Etag", "Atelier-Position", "Content-Type"} {
			require.Equal(t, first.header.Get(header), again.header.Get(header), header)
		}
		require.Len(t, ada.get("/projects").items(), 1)
		path := "/projects/" + first.text("id")

		ada.post("/projects", object{"name": "Haven"}, key).refused(t, 422, "idempotency_key_reused")
		ada.post("/projects", `{"name": "Harbour"}`, key).refused(t, 422, "idempotency_key_reused")
		ada.post(path+"/activate", nil, key).refused(t, 422, "idempotency_key_reused")
		ada.post("/projects", object{"name": "Haven"}, "Idempotency-Key: a", "Idempotency-Key: b").refused(t, 400, "validation_failed")
		bobs := bob.post("/projects", object{"name": "Harbour"}, key).created(t)
		require.NotEqual(t, first.text("id"), bobs.text("id"), "keys are the caller's own")

		// A refusal is decided anew; the answer of a change is not.
		join := "Idempotency-Key: " + uuid.NewString()
		ada.patch(path, object{"settings": object{"max_collaborators": 0}}).want(t, 200)
		add := func() *answer { return ada.post(path+"/collaborators", object{"user_id": bob.user}, join) }
		add().refused(t, 409, "collaborator_limit_reached")
		ada.patch(path, object{"settings": object{"max_collaborators": 1}}).want(t, 200)
		added := add().created(t)
		require.Empty(t, added.header.Get("Idempotency-Replayed"))
		ada.delete(path+"/collaborators/"+bob.user).want(t, 204)
		require.Equal(t, string(added.body), string(add().created(t).body))
		require.Equal(t, 0, ada.get(path).number("collaborator_count"), "repeating the answer changes nothing")

		// A move repeated under its key is no second move.
		move := "Idempotency-Key: " + uuid.NewString()
		ada.post(path+"/activate", nil, move).want(t, 200)
		ada.post(path+"/archive", nil).want(t, 200)
		replayed := ada.post(path+"/activate", nil, move).want(t, 200)
		require.Equal(t, "active", replayed.text("status"))
		require.Equal(t, "archived", ada.get(path).text("status"))

		// After a restart the answer is still there.
		require.NoError(t, p.stop())
		reborn := startProgram(t, store).client(t).as(ada)
		require.Equal(t, string(first.body), string(reborn.post("/projects", object{"name": "Harbour"}, key).created(t).body))
	})
}

// TestParallelDuplicates: twenty times one request is one effect and one answer.
func TestParallelDuplicates(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada, bob := signUp(t, p, "ada"), signUp(t, p, "bob")
		for range 5 {
			one := func(send func(key string) *answer) string {
				key := "Idempotency-Key: " + uuid.NewString()
				answers := together(20, func(int) *answer { return send(key) })
				first, replayed := answers[0].created(t), 0
				for _, a := range answers {
					require.Equal(t, string(first.body), string(a.body))
					if a.header.Get("Idempotency-Replayed") == "true" {
						replayed++
					}
				}
				require.Equal(t, 19, replayed)
				return first.text("id")
			}
			id := one(func(key string) *answer { return ada.post("/projects", object{"name": "Harbour"}, key) })
			one(func(key string) *answer {
				return ada.post("/projects/"+id+"/collaborators", object{"user_id": bob.user}, key)
			})
			require.Equal(t, 2, ada.get("/projects/"+id).number("version"))
		}
		require.Len(t, ada.get("/projects").items(), 5)

		// Two requests race for one key: one wins it, the other is told so.
		for range 5 {
			key := "Idempotency-Key: " + uuid.NewString()
			answers := together(2, func(i int) *answer { return ada.post("/projects", object{"name": fmt.Sprint("race ", i)}, key) })
			require.Equal(t, map[int]int{201: 1, 422: 1}, statuses(answers))
		}
	})
}

// TestLargeAnswersAreRepeated: an answer that is too large to be kept is
// rendered anew, and is still the answer to that request.
func TestLargeAnswersAreRepeated(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada := signUp(t, p, "ada")
		large := strings.Repeat("😀", 500)
		path := "/projects/" + ada.post("/projects", object{"name": "Harbour", "description": large, "settings": object{"max_collaborators": 100}}).created(t).text("id")
		for i := range 70 {
			user, err := p.clients.accounts.RegisterAccount(t.Context(), &messages.RegisterAccount{
				Meta: &messages.Meta{CommandId: "m:" + uuid.NewString()}, UserId: uuid.NewString(), Email: fmt.Sprintf("m%d@example.com", i), Name: "M", Activate: true,
			})
			require.NoError(t, err)
			ada.post(path+"/collaborators", object{"user_id": user.GetId()}).created(t)
		}
		key := "Idempotency-Key: " + uuid.NewString()
		first := ada.post(path+"/activate", nil, key).want(t, 200)
		require.Greater(t, len(first.body), 4<<10)
		again := ada.post(path+"/activate", nil, key).want(t, 200)
		require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
		require.JSONEq(t, string(first.body), string(again.body))
	})
}
