package main

import (
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const driverSeed = 20260701

// TestEveryOperationIsAsDocumented drives all operations with generated valid
// and invalid requests: never a 5xx, and every reply as the document says.
func TestEveryOperationIsAsDocumented(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		d := readDocument(t, p)
		for path, methods := range d.Paths {
			for method, op := range methods {
				t.Run(op.ID, func(t *testing.T) {
					t.Parallel()
					drive := newDriver(t, p, d, method, path, driverSeed)
					drive.run()
					require.Empty(t, strings.Join(drive.faults, "\n"), "seed %d", driverSeed)
					succeeded := slices.ContainsFunc([]int{200, 201, 202, 204}, func(status int) bool { return drive.statuses[status] > 0 })
					if op.ID == "drainNode" { // of a node that is alone
						succeeded = drive.statuses[409] > 0
					}
					if op.Permission == "socket" { // which is not HTTP any more
						succeeded = drive.statuses[400] > 0
					}
					require.True(t, succeeded, "no valid request succeeded: %v", drive.statuses)
				})
			}
		}
	})
}

// TestRegistrationIsAsDocumented where addresses are proved, which answers another
// way.
func TestRegistrationIsAsDocumented(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, store storeSettings) {
		p := startProgram(t, store)
		proving := startWith(t, engines["embedded"](t), verifying)
		drive := newDriver(t, p, readDocument(t, proving), "post", api+"/auth/register", driverSeed)
		drive.owner = proving.client(t)
		drive.run()
		require.Empty(t, strings.Join(drive.faults, "\n"), "seed %d", driverSeed)
		require.Positive(t, drive.statuses[202])
	})
}

// TestTheDriverFindsFaults shows that the driver can fail: the same requests, to
// a document that says something else or with replies that were tampered with.
func TestTheDriverFindsFaults(t *testing.T) {
	t.Parallel()
	p := startProgram(t, engines["postgres"](t))
	const path = api + "/projects/{project_id}"
	for name, c := range map[string]struct {
		document func(*openAPI)
		reply    func(*http.Response, []byte) []byte
		found    string
	}{
		"nothing":          {},
		"a missing field":  {document: func(d *openAPI) { s := d.Components.Schemas["Project"]; s.Required = append(s.Required, "colour") }, found: "colour is missing"},
		"an unknown field": {document: func(d *openAPI) { delete(d.Components.Schemas["Project"].Properties, "owner_id") }, found: "owner_id is not documented"},
		"another type":     {document: func(d *openAPI) { d.Components.Schemas["Project"].Properties["version"].Type = "string" }, found: "/version is 2"},
		"another status":   {document: func(d *openAPI) { delete(d.Paths[path]["get"].Responses, "404") }, found: "status 404 is not documented"},
		"another problem":  {document: func(d *openAPI) { d.Paths[path]["get"].Problems = nil }, found: "is not declared"},
		"a server error":   {reply: func(r *http.Response, b []byte) []byte { r.StatusCode = 500; return b }, found: "answered 500"},
		"no JSON":          {reply: func(_ *http.Response, b []byte) []byte { return append(b, '}') }, found: "is no JSON"},
		"a missing header": {reply: func(r *http.Response, b []byte) []byte { r.Header.Del("Etag"); return b }, found: "header ETag is missing"},
		"another type of content": {reply: func(r *http.Response, b []byte) []byte {
			r.Header.Set("Content-Type", "text/plain")
			return b
		}, found: "content type"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := readDocument(t, p)
			if c.document != nil {
				c.document(d)
			}
			drive := newDriver(t, p, d, "get", path, driverSeed)
			if c.reply != nil {
				drive.owner.http.Transport = tampering{drive.owner.http.Transport, c.reply}
			}
			drive.run()
			if c.found == "" {
				require.Empty(t, drive.faults)
				return
			}
			require.Contains(t, strings.Join(drive.faults, "\n"), c.found)
		})
	}
}

// tampering changes replies to the driven requests on their way.
type tampering struct {
	http.RoundTripper
	change func(*http.Response, []byte) []byte
}

func (t tampering) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.RoundTripper.RoundTrip(r)
	if err != nil || r.Method != "GET" {
		return response, err
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(t.change(response, body)))
	return response, err
}
