package http

import (
	"context"
	"time"

	"github.com/gofiber/fiber/v2"
	"github.com/google/uuid"

	"atelier/messages"
)

type documents interface {
	CreateDocument(context.Context, *messages.CreateDocument) (*messages.Document, error)
	RenameDocument(context.Context, *messages.RenameDocument) (*messages.Document, error)
	DeleteDocument(context.Context, *messages.DeleteDocument) (*messages.Done, error)
	GetDocument(context.Context, *messages.GetDocument) (*messages.Document, error)
	GetGrant(context.Context, *messages.GetGrant) (*messages.Grant, error)
	AppendUpdate(context.Context, *messages.AppendUpdate) (*messages.Appended, error)
	Position(ctx context.Context, id string) (int64, error)
	ReadContent(ctx context.Context, id string) (content []byte, position int64, err error)
	ReadMissing(ctx context.Context, id string, vector []byte) (update, has []byte, position int64, err error)
	Adds(ctx context.Context, id string, update []byte) (bool, error)
	AppendUpdates(ctx context.Context, c *messages.AppendUpdate, updates [][]byte) error
	CreateVersion(context.Context, *messages.CreateVersion) (*messages.DocumentVersion, error)
	RestoreVersion(context.Context, *messages.RestoreDocument, messages.Granting) (*messages.Appended, error)
}

// tableDocuments are the documents of projects: what they are called, what is in
// them, and versions of that.
func (s *Server) tableDocuments() {
	found := []string{messages.CodeNotFound}
	write := []string{messages.CodeNotFound, messages.CodeForbidden, messages.CodeInvalidState}
	add(s, operation{ID: "listDocuments", Method: "GET", Path: "/projects/{project_id}/documents", Summary: "The project's documents, newest first", Permission: projectRead, Status: 200, List: true,
		Codes: found}, s.listDocuments)
	add(s, operation{ID: "createDocument", Method: "POST", Path: "/projects/{project_id}/documents", Summary: "Begin an empty document", Permission: projectContent, Status: 201, ETag: true, Creates: true,
		Codes: append(write, messages.CodeAlreadyExists)}, s.createDocument)
	add(s, operation{ID: "getDocument", Method: "GET", Path: "/documents/{document_id}", Summary: "What a document is called", Permission: projectRead, Status: 200, ETag: true, Codes: found}, s.getDocument)
	add(s, operation{ID: "renameDocument", Method: "PATCH", Path: "/documents/{document_id}", Summary: "Rename a document", Permission: projectContent, Status: 200, ETag: true, Codes: write}, s.renameDocument)
	add(s, operation{ID: "deleteDocument", Method: "DELETE", Path: "/documents/{document_id}", Summary: "Delete a document, its content and its versions", Permission: projectContent, Status: 204, ETag: true, Codes: write}, s.deleteDocument)
	add(s, operation{ID: "getContent", Method: "GET", Path: "/documents/{document_id}/content", Summary: "All of a document as one Yjs update of version 1; its ETag is the position of the last update", Permission: projectRead, Status: 200, ETag: true,
		Produces: octets, Codes: found}, s.getContent)
	add(s, operation{ID: "appendUpdate", Method: "POST", Path: "/documents/{document_id}/updates", Summary: "Add a Yjs update of version 1. When the answer comes it is durable", Permission: projectContent, Status: 200,
		Codes: write}, s.appendUpdate)
	add(s, operation{ID: "listVersions", Method: "GET", Path: "/documents/{document_id}/versions", Summary: "Versions of a document, newest first. Automatic ones are kept for 30 days", Permission: projectRead, Status: 200, List: true,
		Codes: found}, s.listVersions)
	add(s, operation{ID: "createVersion", Method: "POST", Path: "/documents/{document_id}/versions", Summary: "Keep what is in the document now under a name", Permission: projectContent, Status: 201,
		Codes: write}, s.createVersion)
	add(s, operation{ID: "restoreVersion", Method: "POST", Path: "/documents/{document_id}/versions/{version_id}/restore", Summary: "Let the document show again what a version shows, by a change like others", Permission: projectContent, Status: 200,
		Codes: write}, s.restoreVersion)
}

type documentBody struct {
	ID        string `json:"id" format:"uuid"`
	ProjectID string `json:"project_id" format:"uuid"`
	Name      string `json:"name"`
	Version   int64  `json:"version" doc:"Of the name; the content has a position."`
	CreatedBy string `json:"created_by" format:"uuid"`
	CreatedAt string `json:"created_at" format:"date-time"`
	UpdatedAt string `json:"updated_at" format:"date-time" doc:"When it was last renamed."`
}

func documentOf(d *messages.Document) *documentBody {
	return &documentBody{
		ID: d.GetId(), ProjectID: d.GetProjectId(), Name: d.GetName(), Version: d.GetVersion(), CreatedBy: d.GetCreatedBy(),
		CreatedAt: timeText(d.GetCreatedAt()), UpdatedAt: timeText(d.GetUpdatedAt()),
	}
}

func documented(d *messages.Document, err error) (*result[documentBody], error) {
	if err != nil {
		return nil, err
	}
	return &result[documentBody]{Body: documentOf(d), Version: d.GetVersion()}, nil
}

type listDocumentsInput struct {
	projectInput
	list
}

func (s *Server) listDocuments(ctx context.Context, c *call, in *listDocumentsInput) (*result[page[documentBody]], error) {
	after, err := s.after(c, &in.list)
	if err != nil {
		return nil, err
	}
	if _, err := s.mayRead(ctx, c, in.ProjectID); err != nil {
		return nil, err
	}
	found, err := s.deps.Queries.ListDocuments(ctx, &messages.DocumentQuery{ProjectId: in.ProjectID, Limit: in.limit(), After: after})
	if err != nil {
		return nil, err
	}
	items := make([]documentBody, 0, len(found.GetItems()))
	for _, d := range found.GetItems() {
		items = append(items, *documentOf(d))
	}
	return ok(&page[documentBody]{Items: items, NextCursor: s.next(c, found.GetNext())})
}

type nameInput struct {
	Body struct {
		Name string `json:"name" minLength:"1" maxLength:"200"`
	}
}

type createDocumentInput struct {
	projectInput
	nameInput
}

func (s *Server) createDocument(ctx context.Context, c *call, in *createDocumentInput) (*result[documentBody], error) {
	r, err := documented(s.deps.Documents.CreateDocument(ctx, &messages.CreateDocument{
		Meta: c.meta(), ProjectId: in.ProjectID, DocumentId: uuid.Must(uuid.NewV7()).String(), Name: in.Body.Name,
	}))
	if err == nil {
		r.Location = "/documents/" + r.Body.ID
	}
	return r, err
}

type documentInput struct {
	DocumentID string `path:"document_id" format:"uuid"`
}

// project is the one that a document belongs to. Whether the caller may know that
// there is such a document, the project says.
func (in *documentInput) project(ctx context.Context, s *Server) (string, error) {
	id, err := s.deps.Queries.DocumentProject(ctx, in.DocumentID)
	if err == nil && id == "" {
		err = messages.Missing("document")
	}
	return id, err
}

// grant asks the project what the caller may do with the document.
func (in *documentInput) grant(ctx context.Context, s *Server, c *call, write bool) (*messages.Grant, error) {
	id, err := in.project(ctx, s)
	if err != nil {
		return nil, err
	}
	g, err := s.deps.Documents.GetGrant(ctx, &messages.GetGrant{Meta: c.meta(), ProjectId: id, DocumentId: in.DocumentID, Write: write})
	return g, unseen(err)
}

// granted carries changes of the document out by grants that count while these are on
// their way. Where the document does not come to one in time the grant is asked for anew.
func (in *documentInput) granted(s *Server, c *call, projectID string) messages.Granting {
	return func(ctx context.Context, change func(*messages.Grant) error) error {
		for {
			err := in.change(ctx, s, c, projectID, change)
			if !messages.HasCode(err, messages.CodeLate) {
				return err
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(firstPause):
			}
		}
	}
}

func (in *documentInput) change(ctx context.Context, s *Server, c *call, projectID string, change func(*messages.Grant) error) error {
	w := s.holdings.setOut(c.principal.UserID, c.principal.SessionID, projectID, in.DocumentID)
	defer w.arrive()
	if err := s.authenticate(ctx, c); err != nil { // once more: the session may have ended meanwhile
		return err
	}
	g, err := s.deps.Documents.GetGrant(ctx, &messages.GetGrant{Meta: c.meta(), ProjectId: projectID, DocumentId: in.DocumentID, Write: true})
	if err != nil {
		return unseen(err)
	}
	if g, err = w.lend(g); err != nil {
		return err
	}
	return change(g)
}

// unseen tells those who may not see a project nothing of it: its documents are
// missing for them as all others are.
func unseen(err error) error {
	if messages.HasCode(err, messages.CodeNotFound) {
		return messages.Missing("document")
	}
	return err
}

func (s *Server) getDocument(ctx context.Context, c *call, in *documentInput) (*result[documentBody], error) {
	id, err := in.project(ctx, s)
	if err != nil {
		return nil, err
	}
	d, err := s.deps.Documents.GetDocument(ctx, &messages.GetDocument{Meta: c.meta(), ProjectId: id, DocumentId: in.DocumentID})
	return documented(d, unseen(err))
}

type renameDocumentInput struct {
	documentInput
	nameInput
}

func (s *Server) renameDocument(ctx context.Context, c *call, in *renameDocumentInput) (*result[documentBody], error) {
	id, err := in.project(ctx, s)
	if err != nil {
		return nil, err
	}
	d, err := s.deps.Documents.RenameDocument(ctx, &messages.RenameDocument{Meta: c.meta(), ProjectId: id, DocumentId: in.DocumentID, Name: in.Body.Name})
	return documented(d, unseen(err))
}

func (s *Server) deleteDocument(ctx context.Context, c *call, in *documentInput) (*result[none], error) {
	id, err := in.project(ctx, s)
	if err != nil {
		return nil, err
	}
	_, err = s.deps.Documents.DeleteDocument(ctx, &messages.DeleteDocument{Meta: c.meta(), ProjectId: id, DocumentId: in.DocumentID})
	return &result[none]{}, unseen(err)
}

func (s *Server) getContent(ctx context.Context, c *call, in *documentInput) (*result[fileBody], error) {
	if _, err := in.grant(ctx, s, c, false); err != nil {
		return nil, err
	}
	if c.fiber.Get(fiber.HeaderIfNoneMatch) != "" { // most often nothing was written, and there is nothing to put together
		position, err := s.deps.Documents.Position(ctx, in.DocumentID)
		if r := (&result[fileBody]{Version: position}); err != nil || r.current(c) {
			return r, err
		}
	}
	content, position, err := s.deps.Documents.ReadContent(ctx, in.DocumentID)
	if err != nil {
		return nil, err
	}
	return &result[fileBody]{Body: &fileBody{name: "document.yjs", content: content}, Version: position}, nil
}

type appendUpdateInput struct {
	documentInput
	Raw []byte `doc:"A Yjs update of version 1, of at most 1 MiB."`
}

type positionBody struct {
	DocumentID string `json:"document_id" format:"uuid"`
	Position   int64  `json:"position" doc:"Of the document's last update: the ETag of its content. What it has already raises it no further."`
}

func (s *Server) appendUpdate(ctx context.Context, c *call, in *appendUpdateInput) (*result[positionBody], error) {
	id, err := in.project(ctx, s)
	if err != nil {
		return nil, err
	}
	var a *messages.Appended
	err = in.granted(s, c, id)(ctx, func(g *messages.Grant) (err error) {
		a, err = s.deps.Documents.AppendUpdate(ctx, &messages.AppendUpdate{Meta: c.meta(), DocumentId: in.DocumentID, Grant: g, Update: in.Raw})
		return err
	})
	if err != nil {
		return nil, err
	}
	return ok(&positionBody{DocumentID: a.GetDocumentId(), Position: a.GetPosition()})
}

type versionBody struct {
	ID         string  `json:"id" format:"uuid"`
	DocumentID string  `json:"document_id" format:"uuid"`
	Name       string  `json:"name" doc:"Empty for automatic versions."`
	Automatic  bool    `json:"automatic"`
	CreatedBy  *string `json:"created_by" format:"uuid" nullable:"true" doc:"null for automatic versions."`
	CreatedAt  string  `json:"created_at" format:"date-time"`
	Position   int64   `json:"position" doc:"Of the last update that is in it."`
	Size       int64   `json:"size" doc:"Bytes."`
}

func versionOf(v *messages.DocumentVersion) *versionBody {
	b := &versionBody{
		ID: v.GetId(), DocumentID: v.GetDocumentId(), Name: v.GetName(), Automatic: v.GetAutomatic(), CreatedAt: timeText(v.GetCreatedAt()),
		Position: v.GetPosition(), Size: v.GetSize(),
	}
	if by := v.GetCreatedBy(); by != "" {
		b.CreatedBy = &by
	}
	return b
}

type listVersionsInput struct {
	documentInput
	list
}

func (s *Server) listVersions(ctx context.Context, c *call, in *listVersionsInput) (*result[page[versionBody]], error) {
	after, err := s.after(c, &in.list)
	if err != nil {
		return nil, err
	}
	if _, err := in.grant(ctx, s, c, false); err != nil {
		return nil, err
	}
	found, err := s.deps.Queries.ListVersions(ctx, &messages.VersionQuery{DocumentId: in.DocumentID, Limit: in.limit(), After: after})
	if err != nil {
		return nil, err
	}
	items := make([]versionBody, 0, len(found.GetItems()))
	for _, v := range found.GetItems() {
		items = append(items, *versionOf(v))
	}
	return ok(&page[versionBody]{Items: items, NextCursor: s.next(c, found.GetNext())})
}

type createVersionInput struct {
	documentInput
	nameInput
}

func (s *Server) createVersion(ctx context.Context, c *call, in *createVersionInput) (*result[versionBody], error) {
	grant, err := in.grant(ctx, s, c, true)
	if err != nil {
		return nil, err
	}
	v, err := s.deps.Documents.CreateVersion(ctx, &messages.CreateVersion{
		Meta: c.meta(), ProjectId: grant.GetProjectId(), DocumentId: in.DocumentID, VersionId: uuid.Must(uuid.NewV7()).String(), Name: in.Body.Name,
	})
	if err != nil {
		return nil, err
	}
	return ok(versionOf(v))
}

type restoreVersionInput struct {
	documentInput
	VersionID string `path:"version_id" format:"uuid"`
}

func (s *Server) restoreVersion(ctx context.Context, c *call, in *restoreVersionInput) (*result[positionBody], error) {
	grant, err := in.grant(ctx, s, c, true)
	if err != nil {
		return nil, err
	}
	a, err := s.deps.Documents.RestoreVersion(ctx, &messages.RestoreDocument{
		Meta: c.meta(), ProjectId: grant.GetProjectId(), DocumentId: in.DocumentID, VersionId: in.VersionID,
	}, in.granted(s, c, grant.GetProjectId()))
	if err != nil {
		return nil, err
	}
	return ok(&positionBody{DocumentID: a.GetDocumentId(), Position: a.GetPosition()})
}
