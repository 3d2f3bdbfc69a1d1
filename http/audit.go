package http

import (
	"context"
	"encoding/hex"
	"strings"
	"time"

	"github.com/google/uuid"

	"atelier/identity/audit"
	"atelier/messages"
)

// auditor keeps the audit.
type auditor interface {
	ListAudit(context.Context, *messages.AuditQuery) (*messages.AuditPage, error)
	// VerifyAudit reads all of it. Noted is a head that was noted earlier, or empty.
	VerifyAudit(ctx context.Context, noted string) (*audit.Report, error)
	// Refused writes a row of what was refused. It returns when that is durable, or
	// when a database that is away has been waited for long enough.
	Refused(context.Context, messages.AuditRow)
}

// audited are the refusals that the audit tells of: those of rights, and of proofs of
// who somebody is.
var audited = map[string]bool{
	messages.CodeForbidden: true, messages.CodeInvalidCredentials: true, messages.CodeTooManyAttempts: true, messages.CodeMFAFailed: true,
	messages.CodeEmailUnverified: true, messages.CodeUserSuspended: true, messages.CodeUserInactive: true, messages.CodeCSRFFailed: true,
	messages.CodeStepUpRequired: true, messages.CodeLinkExpired: true,
}

// note tells the audit of a refusal. What was done is told by its events, in their
// transaction; a refusal has none, and is answered when its row is written.
func (s *Server) note(ctx context.Context, c *call, err error) {
	if err == nil {
		return
	}
	s.noteRefusal(ctx, refusalNote{
		code: messages.CodeOf(err), actor: c.userID(), action: c.op.ID, target: tokenless(c.fiber.Path()), ip: s.address(c.fiber).String(), requestID: requestID(c.fiber),
	})
}

// refusalNote is what the audit is told of a refusal.
type refusalNote struct{ code, actor, action, target, ip, requestID string }

// noteRefusal tells the audit of a refusal, if it is one that belongs there.
func (s *Server) noteRefusal(ctx context.Context, n refusalNote) {
	if s.deps.Audit == nil || !audited[n.code] {
		return
	}
	const most = 300
	s.deps.Audit.Refused(ctx, messages.AuditRow{
		ID: uuid.Must(uuid.NewV7()).String(), At: s.deps.Now().UTC().Truncate(time.Microsecond), Actor: n.actor, Action: n.action,
		Target: strings.ToValidUTF8(strings.ReplaceAll(n.target[:min(len(n.target), most)], "\x00", ""), ""), Result: messages.AuditRefused, Code: n.code,
		IP: n.ip, RequestID: n.requestID, Detail: "{}",
	})
}

type auditInput struct {
	list
	Actor  string `query:"actor" format:"uuid" doc:"Id of the user who did it."`
	Action string `query:"action" maxLength:"100" doc:"An event's type, or an operation's name."`
	Target string `query:"target" maxLength:"300" doc:"users/{id} or projects/{id}, or the path of what was refused."`
	Result string `query:"result" enum:"done,refused"`
	From   string `query:"from" format:"date-time" doc:"Not before then."`
	To     string `query:"to" format:"date-time" doc:"Before then."`
}

type auditBody struct {
	ID        string     `json:"id" format:"uuid"`
	At        string     `json:"at" format:"date-time"`
	Actor     string     `json:"actor_id" doc:"Empty: nobody who is signed in"`
	Action    string     `json:"action"`
	Target    string     `json:"target"`
	Result    string     `json:"result" enum:"done,refused"`
	Code      string     `json:"code" doc:"Of the refusal"`
	IP        string     `json:"ip"`
	RequestID string     `json:"request_id"`
	Detail    freeObject `json:"detail" doc:"What belongs to it: roles, a session, a collaborator"`
	Seq       int64      `json:"seq" doc:"Number in the chain; 0: not yet in it"`
	Hash      string     `json:"hash" doc:"SHA-256 over the row and the hash before, in hexadecimal"`
}

func (s *Server) listAudit(ctx context.Context, c *call, in *auditInput) (*result[page[auditBody]], error) {
	after, err := s.after(c, &in.list)
	if err != nil {
		return nil, err
	}
	q := &messages.AuditQuery{Actor: in.Actor, Action: in.Action, Target: in.Target, Result: in.Result, Limit: int(in.limit()), After: after}
	if q.From, err = instant("from", in.From); err != nil {
		return nil, err
	}
	if q.To, err = instant("to", in.To); err != nil {
		return nil, err
	}
	found, err := s.deps.Audit.ListAudit(ctx, q)
	if err != nil {
		return nil, err
	}
	body := &page[auditBody]{Items: make([]auditBody, 0, len(found.Items)), NextCursor: s.next(c, found.Next)}
	for _, r := range found.Items {
		body.Items = append(body.Items, auditBody{
			ID: r.ID, At: timeText(messages.Micros(r.At)), Actor: r.Actor, Action: r.Action, Target: r.Target, Result: r.Result, Code: r.Code,
			IP: r.IP, RequestID: r.RequestID, Detail: freeObject(r.Detail), Seq: r.Seq, Hash: hex.EncodeToString(r.Hash),
		})
	}
	return ok(body)
}

// instant reads a time of a query; zero where there is none.
func instant(name, text string) (t time.Time, err error) {
	if text == "" {
		return t, nil
	}
	if t, err = time.Parse(time.RFC3339Nano, text); err != nil {
		return t, messages.Invalid(name, "format", "%s must be a time such as 2026-07-01T12:00:00Z", name)
	}
	return t, nil
}

type verifyAuditInput struct {
	Noted string `query:"noted" maxLength:"100" doc:"A head that was noted earlier: it must still be in the chain."`
}

type verifiedBody struct {
	Intact      bool     `json:"intact"`
	Rows        int64    `json:"rows"`
	Checkpoints int64    `json:"checkpoints"`
	Head        string   `json:"head" doc:"The last checkpoint: note it elsewhere, and the end cannot be cut off unseen"`
	Faults      []string `json:"faults" nullable:"false" doc:"The first of them"`
	Found       int64    `json:"found" doc:"How many there are"`
}

func verifiedOf(r *audit.Report) *verifiedBody {
	return &verifiedBody{Intact: r.Found == 0, Rows: r.Rows, Checkpoints: r.Checkpoints, Head: r.Head, Faults: filled(r.Faults), Found: r.Found}
}

func (s *Server) verifyAudit(ctx context.Context, _ *call, in *verifyAuditInput) (*result[verifiedBody], error) {
	report, err := s.deps.Audit.VerifyAudit(ctx, in.Noted)
	if err != nil {
		return nil, err
	}
	return ok(verifiedOf(report))
}

// tableAudit is what auditors ask.
func (s *Server) tableAudit() {
	add(s, operation{ID: "listAudit", Method: "GET", Path: "/audit", Summary: "Who did what, newest first", Permission: readAudit, Status: 200, List: true}, s.listAudit)
	add(s, operation{ID: "verifyAudit", Method: "GET", Path: "/audit/verify", Summary: "Whether anybody has changed the audit; it may need a longer Atelier-Timeout", Permission: readAudit, Status: 200}, s.verifyAudit)
}
