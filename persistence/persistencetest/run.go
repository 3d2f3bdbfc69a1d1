// Package persistencetest is the suite that every database engine must pass: the
// promises of the ports in actors/store, of the queries and of the leases, held
// against a real database.
package persistencetest

import (
	"context"
	"testing"
	"time"

	"atelier/actors/account"
	"atelier/actors/document"
	"atelier/actors/project"
	"atelier/actors/session"
	"atelier/actors/store"
	"atelier/messages"
)

// Engine is what the suite calls.
type Engine interface {
	store.Writer
	Projects() store.Claimer[*project.State]
	Accounts() store.Claimer[*account.State]
	Sessions() store.Claimer[*session.State]
	Documents() store.Claimer[*document.State]
	ReadDocument(ctx context.Context, id string) (*messages.DocumentLog, error)
	DocumentPosition(ctx context.Context, id string) (int64, error)
	DocumentProject(ctx context.Context, id string) (projectID string, err error)
	ListDocuments(context.Context, *messages.DocumentQuery) (*messages.DocumentPage, error)
	ListVersions(context.Context, *messages.VersionQuery) (*messages.VersionPage, error)
	Heads(ctx context.Context, kind string, ids []string) (map[string]int64, error)
	ListUpdates(ctx context.Context, document string, after int64, limit int) ([]*messages.EventRecord, error)
	FenceDocument(ctx context.Context, id string) error
	PutVersion(ctx context.Context, id, document string, content []byte) error
	ReadVersion(ctx context.Context, id, document string) ([]byte, error)
	LastVersion(ctx context.Context, document string) (time.Time, error)
	SweepVersions(ctx context.Context, automatic, orphaned time.Time, limit int) (removed int, err error)
	ListProjects(context.Context, *messages.ProjectQuery) (*messages.ProjectPage, error)
	FindProjects(context.Context, *messages.ProjectQuery) (*messages.FoundProjects, error)
	ListCollaborators(context.Context, *messages.CollaboratorQuery) (*messages.CollaboratorPage, error)
	ListEvents(context.Context, *messages.EventQuery) (*messages.EventPage, error)
	ListInvitations(ctx context.Context, email string, now time.Time, limit int) ([]*messages.Invitation, error)
	SweepSessions(ctx context.Context, openedBefore, now time.Time, limit int) (removed int, err error)
	EraseEvents(ctx context.Context, user string) error
	ListUsers(context.Context, *messages.UserQuery) (*messages.UserPage, error)
	ListFeed(context.Context, *messages.FeedQuery) (*messages.FeedPage, error)
	ListSessions(context.Context, *messages.SessionQuery) (*messages.SessionPage, error)
	PublicUsers(ctx context.Context, ids []string) (map[string]*messages.PublicUser, error)
	FindCredential(ctx context.Context, email string) (*messages.Credential, error)
	AnyAdmin(ctx context.Context) (bool, error)
	LogID(ctx context.Context) (string, error)
	Ping(ctx context.Context) error
	Sweep(ctx context.Context, now time.Time, limit int) (removed int, err error)
	AddMail(context.Context, store.Mail) error
	ClaimMails(ctx context.Context, lease time.Duration, limit int) ([]store.Mail, error)
	EndMail(ctx context.Context, id string, attempt int, state string) error
	RetryMail(ctx context.Context, id string, attempt int, wait time.Duration) error
	WaitingMails(context.Context) (int64, error)
	SweepMails(ctx context.Context, before time.Time, limit int) (removed int, err error)
	UpdateAttempts(ctx context.Context, keys [][]byte, expires time.Time, update func(logs [][]byte) [][]byte) error
	UseTicket(ctx context.Context, id string, expires time.Time) (first bool, err error)
	AddAudit(ctx context.Context, rows []messages.AuditRow) error
	ListAudit(ctx context.Context, q *messages.AuditQuery) (*messages.AuditPage, error)
	SealAudit(ctx context.Context, limit int, seal func(last messages.AuditCheckpoint, rows []messages.AuditRow) messages.AuditCheckpoint) (n int, err error)
	AuditChain(ctx context.Context, after int64, limit int) ([]messages.AuditRow, error)
	AuditCheckpoints(ctx context.Context, after int64, limit int) ([]messages.AuditCheckpoint, error)
	AuditMissing(ctx context.Context) (n int64, example string, err error)
	Now(context.Context) (time.Time, error)
}

// Key has the fields of the engines' SealedKey.
type Key struct {
	Kid         string
	Use         string
	Public      []byte
	Sealed      []byte
	CreatedAt   time.Time
	ActivatesAt time.Time
}

// Keys are the signing keys of a database.
type Keys interface {
	Keys(ctx context.Context) ([]Key, error)
	AddKey(ctx context.Context, k Key, told messages.AuditRow) (added bool, err error)
	RemoveKey(ctx context.Context, kid string, told messages.AuditRow) error
}

// Leases are the nodes' leases; see cluster.LeaseStore.
type Leases interface {
	Acquire(ctx context.Context, name, cluster, address string, ttl time.Duration) (incarnation int64, now time.Time, err error)
	Renew(ctx context.Context, name string, incarnation int64, ttl time.Duration, exclusive bool) (now time.Time, others, granted bool, err error)
	Leave(ctx context.Context, name string, incarnation int64) error
	Strike(ctx context.Context, name string, incarnation int64) error
	Live(ctx context.Context, cluster string) ([]messages.LeasedNode, error)
}

// Held is a command that a transaction outside of the engine is about to have
// carried out. A commit with the same command waits for it, its row in hand.
type Held struct {
	Waiting func(n int)       // returns when so many transactions wait for locks
	End     func(commit bool) // lets them go on
}

// Database is a fresh, migrated database and how to reach it.
type Database struct {
	Engine
	Peer       Engine // as another node; the same engine where one process owns the database
	Keys       Keys
	Alter      func(t testing.TB, sql string) // behind the engine's back
	Leases     Leases                         // nil: one process owns the database
	Outbox     Outbox
	PeerOutbox Outbox                                         // as another node
	Hold       func(t testing.TB, key store.CommandKey) *Held // nil: commits never run beside anything
	Tampers    []AuditTamper                                  // with what only this engine has
	CutAudit   string                                         // removes the rows of numbers greater than 40, all of which are events
}

// AuditTamper is done to a chain of 50 rows, of which the last ten are events, and
// undone.
type AuditTamper struct {
	Do, Undo string
	Found    string // in what is said of it
}

// property is something that must be true of every engine.
type property struct {
	name  string
	check func(t *testing.T, db *Database)
}

// Run holds an engine against the suite. Most properties share one database,
// and with it the traffic of all others; those that speak of the whole of a
// database open their own.
func Run(t *testing.T, open func(t testing.TB) *Database) {
	shared := open(t)
	for _, p := range sharing {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			p.check(t, shared)
		})
	}
	own := alone
	if shared.Hold != nil {
		own = append(own, holding...)
	}
	if shared.Leases != nil {
		own = append(own, leasing...)
	}
	for _, p := range own {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			p.check(t, open(t))
		})
	}
}

var sharing = []property{
	{"ClaimLoadsWhatWasCommitted", claimLoads},
	{"ClaimOfNothingIsNotFound", claimOfNothing},
	{"ClaimRaisesTheEpoch", claimRaisesEpoch},
	{"ReleaseLeavesTheFence", releaseLeavesTheFence},
	{"ClaimsAmidCommitsAreWhole", claimsAmidCommits},
	{"StaleEpochIsFenced", staleEpoch},
	{"StaleVersionIsFenced", staleVersion},
	{"CreationOfAnExistingRowIsFenced", creationOfExisting},
	{"FencedCommitsLeaveNothing", fencedLeavesNothing},
	{"ChecksReadTheFence", checksReadTheFence},
	{"EndedSessionsAreFenced", endedSessionsAreFenced},
	{"BadMembersHarmNobody", badMembers},
	{"AnUnforeseenMemberFailsTheGroupForCertain", unforeseenMember},
	{"OneEmailTwiceInAGroup", emailTwice},
	{"OneRowTwiceInAGroup", rowTwice},
	{"OneCommandTwiceInAGroup", commandTwice},
	{"GroupsOfAllSizes", groupSizes},
	{"CommandsAreRememberedOnce", commandsRemembered},
	{"WhatIsNotFreshHasNoEffect", freshNotTwice},
	{"CommandsWithoutChangesAreRemembered", unchangedRemembered},
	{"LookupsFindWhatWasCarriedOut", lookups},
	{"ExpiredCommandsAreForgotten", expiredCommands},
	{"OneWinnerAmongCommits", oneWinner},
	{"OneWinnerAmongCreations", oneCreation},
	{"OneWinnerAmongAddresses", oneAddress},
	{"OneEffectAmongCommands", oneEffect},
	{"SessionsEndedAndRefreshedCrosswise", crossedSessions},
	{"StreamsOfContendedRowsAreContiguous", contendedStreams},
	{"ProjectPages", projectPages},
	{"ProjectPagesUnderWrites", projectPagesUnderWrites},
	{"ProjectFilters", projectFilters},
	{"SearchKnowsNoWildcards", search},
	{"CollaboratorPages", collaboratorPages},
	{"SessionPages", sessionPages},
	{"EventPages", eventPages},
	{"Credentials", credentials},
	{"PublicUsers", publicUsers},
	{"LogID", logID},
	{"OneWinnerAmongNewAddresses", oneNewAddress},
	{"AddressesChange", addressesChange},
	{"SessionsStepUp", sessionsStepUp},
	{"AttemptsAreUpdatedTogether", attemptsTogether},
	{"AttemptsOfAllNodesCount", attemptsOfAll},
	{"TicketsAreUsedOnce", ticketsAreUsedOnce},
	{"UsersAreErased", usersAreErased},
	{"OwnersAreNotErased", ownersAreNotErased},
	{"InvitationsAreFoundByAddress", invitationsByAddress},
	{"OwnersChange", ownersChange},
	{"DocumentsOfProjects", documentsOfProjects},
	{"DocumentLogs", documentLogs},
	{"HeadsAndUpdates", headsAndUpdates},
	{"RowsApplyAndFoldAgree", histories},
}

var alone = []property{
	{"AnyAdmin", anyAdmin},
	{"DocumentVersions", documentVersions},
	{"SweepRemovesWhatExpired", sweep},
	{"SessionsLongOverAreSwept", sessionsAreSwept},
	{"SigningKeys", signingKeys},
	{"UnsentEvents", unsentEvents},
	{"UnsentEventsAmidCommits", unsentAmidCommits},
	{"ParkedStreams", parking},
	{"EventsSentAgain", redriving},
	{"SentEventsAreSwept", outboxSwept},
	{"EventsNobodyWants", discarding},
	{"Backlogs", backlogs},
	{"TheFeedAmidCommits", feedAmidCommits},
	{"FeedsOfUsers", feedsOfUsers},
	{"MailsGoWithTheirCommit", mailsOfCommits},
	{"MailsAreLeased", mailsAreLeased},
	{"EachMailHasOneSender", oneSender},
	{"SentMailsAreSwept", mailsAreSwept},
	{"SweepRemovesOldAttempts", attemptsSwept},
	{"SweepRemovesOldTickets", ticketsSwept},
	{"AuditGoesWithItsEvents", auditGoesWithEvents},
	{"AuditIsListed", auditIsListed},
	{"AuditIsSealedOnce", auditIsSealed},
}

// holding are properties of engines whose transactions wait for each other.
var holding = []property{
	{"ClaimWhileACommitHoldsTheRow", claimWhileCommitHolds},
	{"ClaimWhileACommitIsRolledBack", claimWhileCommitFails},
	{"CommandCarriedOutMeanwhile", commandMeanwhile},
}

// leasing are properties of engines that several nodes share.
var leasing = []property{
	{"LiveExclusiveOwnersKeepTheirRows", exclusiveOwner},
	{"ExpiredLeasesAreBuried", burialOfTheExpired},
	{"LeavingEndsTheLease", leaving},
	{"NodesOfOneClusterHandOver", handOver},
	{"ExclusivityIsGrantedToOne", exclusivity},
	{"LeaseTimeIsTheDatabases", leaseTime},
	{"BurialAgainstRenewal", burialAgainstRenewal},
	{"StruckLeasesAreNotRenewed", striking},
	{"LiveLeasesOfTheCluster", liveLeases},
	{"ShardsOfTheOutboxAreShared", sharedShards},
	{"ExpiredShardsAreTakenOver", expiredShards},
	{"NodesWithoutABroker", brokerless},
}
