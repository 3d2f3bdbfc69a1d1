package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"atelier/actors"
	"atelier/actors/document"
	"atelier/actors/document/yupdate"
	"atelier/messages"
)

// yjsText is a Yjs update: a client has written a text behind what it wrote before.
func yjsText(client byte, clock int, text string) []byte {
	b := binary.AppendUvarint([]byte{1, 1, client}, uint64(clock))
	if clock == 0 {
		b = append(b, 4, 1, 1, 't')
	} else {
		b = binary.AppendUvarint(append(b, 0x84, client), uint64(clock-1))
	}
	return append(append(append(b, byte(len(text))), text...), 0)
}

func (c *client) append(document string, update []byte, headers ...string) *answer {
	c.t.Helper()
	return c.post("/documents/"+document+"/updates", update, append(headers, "Content-Type: application/octet-stream")...)
}

// newDocument is one of a new project of the client's.
func (c *client) newDocument() (project, id string) {
	project = c.post("/projects", object{"name": "Harbour"}).created(c.t).text("id")
	return project, c.post("/projects/"+project+"/documents", object{"name": "Minutes"}).created(c.t).text("id")
}

func TestDocumentLife(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada, vic, eve := signUp(t, p, "ada"), signUp(t, p, "vic"), signUp(t, p, "eve")
		project, id := ada.newDocument()
		path := "/documents/" + id
		ada.post("/projects/"+project+"/collaborators", object{"user_id": vic.user, "role": "viewer"}).created(t)

		shown := vic.get(path).want(t, 200)
		require.Equal(t, "Minutes", shown.text("name"))
		require.Equal(t, project, shown.text("project_id"))
		require.Equal(t, ada.user, shown.text("created_by"))
		require.Equal(t, shown.object(), vic.get("/projects/" + project + "/documents").items()[0])
		vic.patch(path, object{"name": "Mine"}).refused(t, 403, "forbidden")
		ada.patch(path, object{"name": "Plan"}, `If-Match: "9"`).refused(t, 412, "version_mismatch")
		require.Equal(t, 2, ada.patch(path, object{"name": "Plan"}, `If-Match: "1"`).want(t, 200).version(t))
		for _, a := range []*answer{eve.get(path), eve.get(path + "/content"), eve.append(id, yjsText(7, 0, "x")), eve.delete(path), eve.get(path + "/versions"), eve.nobody().get(path)} {
			a.refused(t, 404, "not_found")
		}

		require.Equal(t, []byte{0, 0}, vic.get(path+"/content").want(t, 200).body, "an empty document is an empty update")
		vic.get(path+"/content", `If-None-Match: "0"`).want(t, 304)
		require.Equal(t, 1, ada.append(id, yjsText(7, 0, "ab"), "Idempotency-Key: one").want(t, 200).number("position"))
		again := ada.append(id, yjsText(7, 0, "ab"), "Idempotency-Key: one").want(t, 200)
		require.Equal(t, "true", again.header.Get("Idempotency-Replayed"))
		require.Equal(t, 1, ada.append(id, yjsText(7, 0, "ab")).want(t, 200).number("position"), "it is there")
		require.Equal(t, 2, ada.append(id, yjsText(7, 2, "cd")).want(t, 200).number("position"))
		vic.append(id, yjsText(9, 0, "x")).refused(t, 403, "forbidden")
		ada.append(id, []byte("no update")).refused(t, 400, "validation_failed")
		ada.post(path+"/updates", object{}).refused(t, 415, "unsupported_media_type")
		content := vic.get(path+"/content").want(t, 200)
		require.Equal(t, yjsText(7, 0, "abcd"), content.body)
		require.Equal(t, "application/octet-stream", content.header.Get("Content-Type"))
		require.Equal(t, 2, content.version(t))
		vic.get(path+"/content", `If-None-Match: "2"`).want(t, 304)

		ada.delete("/projects/"+project+"/collaborators/"+vic.user).want(t, 204)
		vic.get(path+"/content").refused(t, 404, "not_found")
		ada.post("/projects/"+project+"/activate", nil).want(t, 200)
		ada.post("/projects/"+project+"/archive", nil).want(t, 200)
		ada.append(id, yjsText(7, 4, "e")).refused(t, 409, "invalid_state")
		ada.get(path+"/content").want(t, 200)
		ada.post("/projects/"+project+"/restore", nil).want(t, 200)
		ada.patch("/projects/"+project, object{"settings": object{"public": true}}).want(t, 200)
		require.Equal(t, content.body, eve.nobody().get(path+"/content").want(t, 200).body, "a public project is readable by anyone")
		eve.append(id, yjsText(9, 0, "x")).refused(t, 403, "forbidden")

		var types []string
		for _, e := range ada.get("/projects/" + project + "/events").items() {
			if kind := e["type"].(string); strings.HasPrefix(kind, "document.") {
				types = append(types, kind)
			}
		}
		require.Equal(t, []string{"document.created", "document.renamed"}, types, "what is written is no event of the project")
		ada.delete(path, `If-Match: "2"`).want(t, 204)
		for _, a := range []*answer{ada.get(path), ada.get(path + "/content"), ada.append(id, yjsText(7, 4, "e")), ada.delete(path)} {
			a.refused(t, 404, "not_found")
		}
		_, other := ada.newDocument()
		ada.delete("/projects/"+ada.get("/documents/"+other).text("project_id")).want(t, 204)
		ada.get("/documents/"+other+"/content").refused(t, 404, "not_found")
	})
}

func TestDocumentVersions(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada, vic := signUp(t, p, "ada"), signUp(t, p, "vic")
		project, id := ada.newDocument()
		versions := "/documents/" + id + "/versions"
		ada.post("/projects/"+project+"/collaborators", object{"user_id": vic.user, "role": "commenter"}).created(t)
		ada.append(id, yjsText(7, 0, "abc")).want(t, 200)
		vic.post(versions, object{"name": "Mine"}).refused(t, 403, "forbidden")
		first := ada.post(versions, object{"name": "First"}, "Idempotency-Key: v").created(t)
		require.Equal(t, first.text("id"), ada.post(versions, object{"name": "First"}, "Idempotency-Key: v").created(t).text("id"))
		require.Equal(t, 1, first.number("position"))
		// b is deleted, and d written.
		ada.append(id, []byte{0, 1, 7, 1, 1, 1}).want(t, 200)
		ada.append(id, yjsText(7, 3, "d")).want(t, 200)
		second := ada.post(versions, object{"name": "Second"}).created(t)
		list := vic.get(versions).want(t, 200).items()
		require.Len(t, list, 2)
		require.Equal(t, second.object(), list[0])

		vic.post(versions+"/"+first.text("id")+"/restore", nil).refused(t, 403, "forbidden")
		ada.post(versions+"/"+uuid.NewString()+"/restore", nil).refused(t, 404, "not_found")
		restored := ada.post(versions+"/"+first.text("id")+"/restore", nil).want(t, 200)
		require.Equal(t, 4, restored.number("position"), "a change like others")
		content := ada.get("/documents/"+id+"/content").want(t, 200)
		require.Equal(t, 4, content.version(t))
		require.True(t, bytes.Contains(content.body, []byte{1, 'b'}), "b is written again: %q", content.body)
		require.False(t, bytes.Contains(content.body, []byte{'d'}), "d is deleted: %q", content.body)
		require.Equal(t, 4, ada.post(versions+"/"+first.text("id")+"/restore", nil).want(t, 200).number("position"), "there is nothing to restore")

		// Under one key it is done once, whatever is written after it.
		restore := func(version string) *answer {
			return ada.post(versions+"/"+version+"/restore", nil, "Idempotency-Key: r")
		}
		ada.post("/projects", object{"name": "Key"}, "Idempotency-Key: elsewhere").created(t)
		ada.post(versions+"/"+second.text("id")+"/restore", nil, "Idempotency-Key: elsewhere").refused(t, 422, "idempotency_key_reused")
		require.Equal(t, 4, ada.get("/documents/"+id+"/content").want(t, 200).version(t), "and nothing is changed")
		require.Equal(t, 4, restore(first.text("id")).want(t, 200).number("position"), "there is nothing to restore")
		ada.append(id, yjsText(8, 0, "later")).want(t, 200)
		require.Equal(t, 4, restore(first.text("id")).want(t, 200).number("position"))
		require.Equal(t, 5, ada.get("/documents/"+id+"/content").want(t, 200).version(t))
		restore(second.text("id")).refused(t, 422, "idempotency_key_reused")
		again := func() *answer {
			return ada.post(versions+"/"+first.text("id")+"/restore", nil, "Idempotency-Key: s").want(t, 200)
		}
		require.Equal(t, 6, again().number("position"))
		ada.append(id, yjsText(9, 0, "latest")).want(t, 200)
		repeated := again()
		require.Equal(t, 6, repeated.number("position"))
		require.Equal(t, "true", repeated.header.Get("Idempotency-Replayed"))
		content = ada.get("/documents/"+id+"/content").want(t, 200)
		require.True(t, bytes.Contains(content.body, []byte("latest")), "what came later stays: %q", content.body)
		require.Equal(t, 7, content.version(t))

		events := ada.get("/projects/" + project + "/activity").items()
		require.Equal(t, "document.restored", events[0]["type"])
		require.Equal(t, first.text("id"), events[0]["data"].(object)["version_id"])
	})
}

// TestDocumentsAreFoldedAmidEdits: nobody who writes waits for it, nothing is lost,
// and it survives a restart.
func TestDocumentsAreFoldedAmidEdits(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada := signUp(t, p, "ada")
		_, id := ada.newDocument()
		const writers = 4
		each := document.FoldUpdates/writers + 20
		done := make(chan error, writers)
		for w := range byte(writers) {
			go func() {
				for i := range each {
					a, err := ada.try("POST", api+"/documents/"+id+"/updates", yjsText(10+w, i, "x"), "Content-Type: application/octet-stream")
					if err == nil && a.status != 200 {
						err = fmt.Errorf("%d %s", a.status, a.body)
					}
					if err != nil {
						done <- err
						return
					}
				}
				done <- nil
			}()
		}
		for range writers {
			require.NoError(t, <-done)
		}
		require.Eventually(t, func() bool { return p.tender.folded.Load() > 0 }, 20*time.Second, 10*time.Millisecond)
		whole := func(c *client) yupdate.Vector {
			u, err := yupdate.Parse(c.get("/documents/"+id+"/content").want(t, 200).body, yupdate.DefaultLimits())
			require.NoError(t, err)
			return u.Vector()
		}
		want := yupdate.Vector{}
		for w := range uint64(writers) {
			want[10+w] = uint64(each)
		}
		require.Equal(t, want, whole(ada))
		require.NoError(t, p.stop())
		require.LessOrEqual(t, p.tender.folded.Load(), int64(2), "not once more for each update that comes meanwhile")
		again := startProgram(t, store)
		ada = again.client(t).as(ada)
		require.Equal(t, want, whole(ada))
		require.Equal(t, writers*each+1, ada.append(id, yjsText(99, 0, "x")).want(t, 200).number("position"))
	})
}

// TestAutomaticVersions are made of documents that are written to, when the last
// version is old.
func TestAutomaticVersions(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada := signUp(t, p, "ada")
		_, id := ada.newDocument()
		p.tendAs(actors.FolderConfig{})
		ada.append(id, yjsText(7, 0, "x")).want(t, 200)
		require.Eventually(t, func() bool { return len(ada.get("/documents/"+id+"/versions").items()) > 0 }, 20*time.Second, 10*time.Millisecond)
		version := ada.get("/documents/" + id + "/versions?limit=1").items()[0]
		require.Equal(t, true, version["automatic"])
		require.Nil(t, version["created_by"])
	})
}

func TestDocumentsOfAllNamesAreListed(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		ada := signUp(t, startProgram(t, store), "ada")
		project, _ := ada.newDocument()
		path := "/projects/" + project + "/documents"
		names := []string{"Minutes"}
		for _, name := range []string{"é", "日本", strings.Repeat("x", 200)} {
			ada.post(path, object{"name": name}).created(t)
			names = append([]string{name}, names...)
		}
		var got []string
		for query := "?limit=1"; query != ""; {
			page := ada.get(path+query).want(t, 200)
			got = append(got, page.items()[0]["name"].(string))
			query = ""
			if next := page.text("next_cursor"); next != "" {
				query = "?limit=1&cursor=" + url.QueryEscape(next)
			}
		}
		require.Equal(t, names, got)
		ada.post(path, object{"name": strings.Repeat("x", 201)}).refused(t, 400, "validation_failed")
		ada.post(path, object{"name": ""}).refused(t, 400, "validation_failed")
	})
}

// TestLateChangesAreNotDecided: what comes by a grant that has ended is refused before any
// rule sees it, whatever the time of the document's last change.
func TestLateChangesAreNotDecided(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		ada := signUp(t, p, "ada")
		project, id := ada.newDocument()
		change := func(until time.Time) error {
			_, err := p.clients.documents.AppendUpdate(t.Context(), &messages.AppendUpdate{
				Meta: &messages.Meta{Principal: ada.user}, DocumentId: id, Update: yjsText(7, 0, "ab"),
				Grant: &messages.Grant{ProjectId: project, DocumentId: id, UserId: ada.user, Write: true, UntilUs: until.UnixMicro()},
			})
			return err
		}
		require.True(t, messages.HasCode(change(time.Now().Add(-time.Minute)), messages.CodeLate))
		require.Equal(t, []byte{0, 0}, ada.get("/documents/"+id+"/content").want(t, 200).body)
		require.NoError(t, change(time.Now().Add(time.Minute)))
	})
}
