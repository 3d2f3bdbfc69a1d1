package project

import (
	"slices"
	"time"
	"unicode/utf8"

	"atelier/messages"
)

// Limits of documents.
const (
	MaxDocuments    = 1000 // of a project
	MaxVersions     = 200  // that users have made of a document
	MaxDocumentName = 200
)

// Document is one of a project's documents; its content is an entity of its own.
type Document struct {
	ID        messages.DocumentID
	Name      string
	CreatedBy messages.UserID
	CreatedAt time.Time
	UpdatedAt time.Time
	Version   int64 // of the name
	Versions  int   // of the content that users have made
}

// Version is a state of a document that is kept.
type Version struct {
	ID        string
	Document  messages.DocumentID
	Name      string
	Automatic bool
	CreatedBy messages.UserID
	CreatedAt int64 // microseconds since the epoch
	Position  int64
	Size      int64
}

// LoadDocuments puts stored documents into a state that was read from rows.
func (s *State) LoadDocuments(documents []Document) {
	if len(documents) == 0 {
		return
	}
	s.documents = make(map[messages.DocumentID]Document, len(documents))
	for _, d := range documents {
		s.documents[d.ID] = d
	}
}

// Documents are the project's documents by their ids. The map must not be changed.
func (s *State) Documents() map[messages.DocumentID]Document { return s.documents }

// CreateDocument begins an empty document.
func CreateDocument(s *State, c *messages.CreateDocument, _ time.Time) ([]messages.Event, error) {
	if err := may(s, c, EditContent); err != nil {
		return nil, err
	}
	if err := checkDocumentName(c.GetName()); err != nil {
		return nil, err
	}
	if _, exists := s.documents[messages.DocumentID(c.GetDocumentId())]; exists {
		return nil, messages.Refuse(messages.CodeAlreadyExists, "the document exists already")
	}
	if len(s.documents) >= MaxDocuments {
		return nil, messages.Refuse(messages.CodeInvalidState, "a project has at most %d documents", MaxDocuments)
	}
	return []messages.Event{&messages.DocumentCreated{DocumentId: c.GetDocumentId(), Name: c.GetName(), CreatedBy: string(caller(c))}}, nil
}

// RenameDocument gives a document another name.
func RenameDocument(s *State, c *messages.RenameDocument, _ time.Time) ([]messages.Event, error) {
	d, err := mayChange(s, c, c.GetDocumentId())
	if err != nil {
		return nil, err
	}
	if err := expectDocument(d, c); err != nil {
		return nil, err
	}
	if err := checkDocumentName(c.GetName()); err != nil {
		return nil, err
	}
	if c.GetName() == d.Name {
		return nil, nil
	}
	return []messages.Event{&messages.DocumentRenamed{DocumentId: c.GetDocumentId(), Name: c.GetName()}}, nil
}

// DeleteDocument removes a document with its content and its versions.
func DeleteDocument(s *State, c *messages.DeleteDocument, _ time.Time) ([]messages.Event, error) {
	d, err := mayChange(s, c, c.GetDocumentId())
	if err != nil {
		return nil, err
	}
	if err := expectDocument(d, c); err != nil {
		return nil, err
	}
	return []messages.Event{&messages.DocumentDeleted{DocumentId: c.GetDocumentId()}}, nil
}

// CreateVersion keeps what a document is at a position. Automatic ones come from
// the node that the document is on and count as nobody's.
func CreateVersion(s *State, c *messages.CreateVersion, _ time.Time) ([]messages.Event, error) {
	d, exists := s.documents[messages.DocumentID(c.GetDocumentId())]
	if c.GetAutomatic() {
		if caller(c) != "" || !exists {
			return nil, messages.Missing("document")
		}
		return []messages.Event{versionCreated(c)}, nil
	}
	if _, err := mayChange(s, c, c.GetDocumentId()); err != nil {
		return nil, err
	}
	if err := checkDocumentName(c.GetName()); err != nil {
		return nil, err
	}
	if d.Versions >= MaxVersions {
		return nil, messages.Refuse(messages.CodeInvalidState, "at most %d versions of a document are kept", MaxVersions)
	}
	return []messages.Event{versionCreated(c)}, nil
}

func versionCreated(c *messages.CreateVersion) *messages.DocumentVersionCreated {
	return &messages.DocumentVersionCreated{
		DocumentId: c.GetDocumentId(), VersionId: c.GetVersionId(), Name: c.GetName(), Automatic: c.GetAutomatic(),
		CreatedBy: string(caller(c)), Position: c.GetPosition(), Size: c.GetSize(),
	}
}

// RestoreDocument notes that a version was brought back.
func RestoreDocument(s *State, c *messages.RestoreDocument, _ time.Time) ([]messages.Event, error) {
	if _, err := mayChange(s, c, c.GetDocumentId()); err != nil {
		return nil, err
	}
	if c.GetPosition() == messages.Nowhere {
		return nil, messages.Refuse(messages.CodeVersionMismatch, "the version was not brought back under this key")
	}
	return []messages.Event{&messages.DocumentRestored{DocumentId: c.GetDocumentId(), VersionId: c.GetVersionId(), Position: c.GetPosition()}}, nil
}

// ViewDocument shows a document to those who may read the project.
func ViewDocument(s *State, c *messages.GetDocument, _ time.Time) (*messages.Document, error) {
	d, err := mayRead(s, c, c.GetDocumentId())
	if err != nil {
		return nil, err
	}
	return documentResource(s, d), nil
}

// ViewGrant tells what the caller may do with a document.
func ViewGrant(s *State, c *messages.GetGrant, _ time.Time) (*messages.Grant, error) {
	read := mayRead
	if c.GetWrite() {
		read = mayChange
	}
	d, err := read(s, c, c.GetDocumentId())
	if err != nil {
		return nil, err
	}
	return &messages.Grant{
		ProjectId: string(s.ID), DocumentId: string(d.ID), UserId: string(caller(c)), Role: string(s.RoleOf(caller(c))), Number: s.Version,
		Write: may(s, c, EditContent) == nil,
	}, nil
}

func mayRead(s *State, c messages.Command, id string) (Document, error) {
	if err := mayArchivedToo(s, c, Read); err != nil {
		return Document{}, err
	}
	d, exists := s.documents[messages.DocumentID(id)]
	if !exists {
		return Document{}, messages.Missing("document")
	}
	return d, nil
}

func mayChange(s *State, c messages.Command, id string) (Document, error) {
	d, err := mayRead(s, c, id)
	if err == nil {
		err = may(s, c, EditContent)
	}
	return d, err
}

func checkDocumentName(name string) error {
	if n := utf8.RuneCountInString(name); n < 1 || n > MaxDocumentName {
		return messages.Invalid("/name", "out_of_range", "name must have 1 to %d characters", MaxDocumentName)
	}
	return nil
}

// expectDocument honours If-Match for a document, whose version is its own.
func expectDocument(d Document, c messages.Command) error {
	m := c.GetMeta()
	if m == nil || m.ExpectedVersion == nil || m.GetExpectedVersion() == d.Version {
		return nil
	}
	return messages.Refuse(messages.CodeVersionMismatch, "the document is at version %d, not %d", d.Version, m.GetExpectedVersion())
}

// applyDocument changes the state by an event about documents.
func (s *State) applyDocument(e messages.Event, at messages.Stamp) {
	switch e := e.(type) {
	case *messages.DocumentCreated:
		if s.documents == nil {
			s.documents = make(map[messages.DocumentID]Document)
		}
		id := messages.DocumentID(e.GetDocumentId())
		s.documents[id] = Document{ID: id, Name: e.GetName(), CreatedBy: messages.UserID(e.GetCreatedBy()), CreatedAt: at.At, UpdatedAt: at.At, Version: 1}
	case *messages.DocumentRenamed:
		d := s.documents[messages.DocumentID(e.GetDocumentId())]
		d.Name, d.UpdatedAt, d.Version = e.GetName(), at.At, d.Version+1
		s.documents[d.ID] = d
	case *messages.DocumentDeleted:
		delete(s.documents, messages.DocumentID(e.GetDocumentId()))
	case *messages.DocumentVersionCreated:
		if !e.GetAutomatic() {
			d := s.documents[messages.DocumentID(e.GetDocumentId())]
			d.Versions++
			s.documents[d.ID] = d
		}
	}
}

// foldDocuments folds the events of a flight about documents into row changes.
func (c *Change) foldDocuments(after *State, events []messages.Event) {
	var touched []messages.DocumentID
	touch := func(id string) {
		if id := messages.DocumentID(id); !slices.Contains(touched, id) {
			touched = append(touched, id)
		}
	}
	for _, e := range events {
		switch e := e.(type) {
		case *messages.DocumentCreated:
			touch(e.GetDocumentId())
		case *messages.DocumentRenamed:
			touch(e.GetDocumentId())
		case *messages.DocumentDeleted:
			touch(e.GetDocumentId())
		case *messages.DocumentVersionCreated:
			touch(e.GetDocumentId())
			if _, is := after.documents[messages.DocumentID(e.GetDocumentId())]; is {
				c.Versions = append(c.Versions, Version{
					ID: e.GetVersionId(), Document: messages.DocumentID(e.GetDocumentId()), Name: e.GetName(), Automatic: e.GetAutomatic(),
					CreatedBy: messages.UserID(e.GetCreatedBy()), CreatedAt: messages.Micros(after.UpdatedAt), Position: e.GetPosition(), Size: e.GetSize(),
				})
			}
		}
	}
	for _, id := range touched {
		if d, is := after.documents[id]; is {
			c.Documents = append(c.Documents, d)
		} else {
			c.Undocumented = append(c.Undocumented, id)
		}
	}
}

func documentResource(s *State, d Document) *messages.Document {
	return &messages.Document{
		Id: string(d.ID), ProjectId: string(s.ID), Name: d.Name, CreatedBy: string(d.CreatedBy),
		CreatedAt: messages.Micros(d.CreatedAt), UpdatedAt: messages.Micros(d.UpdatedAt), Version: d.Version,
	}
}

// DocumentCreated is the reply of CreateDocument.
func DocumentCreated(s *State, c *messages.CreateDocument, _ time.Time) *messages.Document {
	return documentResource(s, s.documents[messages.DocumentID(c.GetDocumentId())])
}

// DocumentRenamed is the reply of RenameDocument.
func DocumentRenamed(s *State, c *messages.RenameDocument, _ time.Time) *messages.Document {
	return documentResource(s, s.documents[messages.DocumentID(c.GetDocumentId())])
}

// VersionCreated is the reply of CreateVersion.
func VersionCreated(s *State, c *messages.CreateVersion, _ time.Time) *messages.DocumentVersion {
	return &messages.DocumentVersion{
		Id: c.GetVersionId(), DocumentId: c.GetDocumentId(), Name: c.GetName(), Automatic: c.GetAutomatic(), CreatedBy: string(caller(c)),
		CreatedAt: messages.Micros(s.UpdatedAt), Position: c.GetPosition(), Size: c.GetSize(),
	}
}
