package http

import "atelier/messages"

// table is all there is to ask. Each part stands beside its handlers, or below.
func (s *Server) table() {
	s.tableAuth()
	s.tableMe()
	s.tableUsers()
	s.tableProjects()
	s.tableInvitations()
	s.tableDocuments()
	s.tablePresence()
	s.tableRealtime()
	s.tableYjs()
	s.tableEvents()
	s.tableCluster()
	s.tableAudit()
	s.tableNext()
	s.tablePages()
}

// tableAuth is how users become known.
func (s *Server) tableAuth() {
	s.tableRegistration()
	add(s, operation{ID: "login", Method: "POST", Path: "/auth/login", Summary: "Sign in", Permission: public, Status: 200,
		Codes: append(statusCodes(), messages.CodeInvalidCredentials, messages.CodeTooManyAttempts, messages.CodeOverloaded)}, s.login)
	add(s, operation{ID: "refresh", Method: "POST", Path: "/auth/refresh", Summary: "Exchange a refresh token, of the body or of a cookie, for a new pair", Permission: public, Status: 200,
		Codes: append(statusCodes(), messages.CodeInvalidToken, messages.CodeSessionRevoked, messages.CodeCSRFFailed)}, s.refresh)
	add(s, operation{ID: "logout", Method: "POST", Path: "/auth/logout", Summary: "End this session", Permission: signedIn, Status: 204}, s.logout)
	add(s, operation{ID: "getSession", Method: "GET", Path: "/auth/session", Summary: "Who am I", Permission: signedIn, Status: 200}, s.currentSession)

	add(s, operation{ID: "verifyEmail", Method: "POST", Path: "/auth/verify-email", Summary: "Use the link that proves an address", Permission: public, Status: 200,
		Codes: linkCodes(messages.CodeInvalidState)}, s.verifyEmail)
	add(s, operation{ID: "resendVerification", Method: "POST", Path: "/auth/verify-email/resend", Summary: "Have that link mailed again", Permission: public, Status: 202, Codes: []string{messages.CodeTooManyAttempts}}, s.resendVerification)
	add(s, operation{ID: "forgotPassword", Method: "POST", Path: "/auth/password/forgot", Summary: "Have a link mailed that sets a new password", Permission: public, Status: 202, Codes: []string{messages.CodeTooManyAttempts}}, s.forgotPassword)
	add(s, operation{ID: "resetPassword", Method: "POST", Path: "/auth/password/reset", Summary: "Use that link; all sessions end", Permission: public, Status: 204,
		Codes: linkCodes(messages.CodeWeakPassword, messages.CodeBreachedPassword, messages.CodeOverloaded)}, s.resetPassword)
	add(s, operation{ID: "checkPassword", Method: "POST", Path: "/auth/password/check", Summary: "How good a password would be", Permission: public, Status: 200}, s.checkPassword)
	add(s, operation{ID: "reauthenticate", Method: "POST", Path: "/auth/reauthenticate", Summary: "Prove again who I am: for ten minutes this session may change my address", Permission: signedIn, Status: 200, Secret: true,
		Codes: []string{messages.CodeTooManyAttempts, messages.CodeInvalidCredentials, messages.CodeOverloaded}}, s.reauthenticate)
	add(s, operation{ID: "confirmEmail", Method: "POST", Path: "/auth/confirm-email", Summary: "Use the link of one of the two addresses of a change", Permission: public, Status: 200,
		Codes: linkCodes(messages.CodeEmailTaken)}, s.confirmEmail)
}

// tableMe is of the caller himself.
func (s *Server) tableMe() {
	add(s, operation{ID: "getMe", Method: "GET", Path: "/users/me", Summary: "My account", Permission: signedIn, Status: 200, ETag: true}, s.getMe)
	add(s, operation{ID: "updateMe", Method: "PATCH", Path: "/users/me", Summary: "Change my name and profile", Permission: signedIn, Status: 200, ETag: true}, s.updateMe)
	add(s, operation{ID: "deleteMe", Method: "DELETE", Path: "/users/me", Summary: "Delete my account: what tells who I am is overwritten", Permission: signedIn, Status: 204, ETag: true,
		Codes: []string{messages.CodeOwnsProjects}}, s.deleteMe)
	add(s, operation{ID: "exportMe", Method: "GET", Path: "/users/me/export", Summary: "All my data, as a ZIP of JSON files", Permission: signedIn, Status: 200, Produces: "application/zip"}, s.exportMe)
	add(s, operation{ID: "getPreferences", Method: "GET", Path: "/users/me/preferences", Summary: "My preferences", Permission: signedIn, Status: 200, ETag: true}, s.getPreferences)
	add(s, operation{ID: "updatePreferences", Method: "PATCH", Path: "/users/me/preferences", Summary: "Merge into my preferences (RFC 7396)",
		Permission: signedIn, Status: 200, ETag: true}, s.updatePreferences)
	add(s, operation{ID: "changePassword", Method: "POST", Path: "/users/me/password", Summary: "Change my password; other sessions end", Permission: signedIn, Status: 204, Secret: true,
		Codes: []string{messages.CodeTooManyAttempts, messages.CodeInvalidCredentials, messages.CodeWeakPassword, messages.CodeBreachedPassword, messages.CodeOverloaded}}, s.changePassword)
	add(s, operation{ID: "changeEmail", Method: "POST", Path: "/users/me/email", Summary: "Have both addresses asked to confirm a change; needs reauthenticate", Permission: signedIn, Status: 202,
		Codes: []string{messages.CodeTooManyAttempts, messages.CodeStepUpRequired}}, s.changeEmail)
	add(s, operation{ID: "listSessions", Method: "GET", Path: "/users/me/sessions", Summary: "My open sessions, newest first", Permission: signedIn, Status: 200, List: true}, s.listSessions)
	add(s, operation{ID: "endOtherSessions", Method: "DELETE", Path: "/users/me/sessions", Summary: "End all other sessions", Permission: signedIn, Status: 204}, s.endOtherSessions)
	add(s, operation{ID: "endSession", Method: "DELETE", Path: "/users/me/sessions/{session_id}", Summary: "End one session", Permission: signedIn, Status: 204,
		Codes: []string{messages.CodeNotFound}}, s.endSession)
}

// tableProjects are projects and who is in them.
func (s *Server) tableProjects() {
	write := []string{messages.CodeNotFound, messages.CodeForbidden, messages.CodeInvalidState}
	add(s, operation{ID: "createProject", Method: "POST", Path: "/projects", Summary: "Start a project", Permission: signedIn, Status: 201, ETag: true, Creates: true}, s.createProject)
	add(s, operation{ID: "listProjects", Method: "GET", Path: "/projects", Summary: "Projects that are mine or shared with me", Permission: signedIn, Status: 200, List: true}, s.listProjects)
	add(s, operation{ID: "getProject", Method: "GET", Path: "/projects/{project_id}", Summary: "One project", Permission: projectRead, Status: 200, ETag: true,
		Codes: []string{messages.CodeNotFound}}, s.getProject)
	add(s, operation{ID: "replaceProject", Method: "PUT", Path: "/projects/{project_id}", Summary: "Replace name, description and settings", Permission: projectSettings, Status: 200, ETag: true,
		Codes: append(write, messages.CodeCollaboratorLimitReached)}, s.replaceProject)
	add(s, operation{ID: "updateProject", Method: "PATCH", Path: "/projects/{project_id}", Summary: "Change name, description or settings; settings need manage_settings", Permission: projectEdit, Status: 200, ETag: true,
		Codes: append(write, messages.CodeCollaboratorLimitReached)}, s.updateProject)
	add(s, operation{ID: "deleteProject", Method: "DELETE", Path: "/projects/{project_id}", Summary: "Delete the project", Permission: projectDelete, Status: 204, ETag: true, Codes: write}, s.deleteProject)
	add(s, operation{ID: "activateProject", Method: "POST", Path: "/projects/{project_id}/activate", Summary: "Draft to active", Permission: projectArchive, Status: 200, ETag: true, Codes: write}, s.activateProject)
	add(s, operation{ID: "archiveProject", Method: "POST", Path: "/projects/{project_id}/archive", Summary: "Active to archived: read-only", Permission: projectArchive, Status: 200, ETag: true, Codes: write}, s.archiveProject)
	add(s, operation{ID: "restoreProject", Method: "POST", Path: "/projects/{project_id}/restore", Summary: "Archived to active", Permission: projectArchive, Status: 200, ETag: true, Codes: write}, s.restoreProject)

	add(s, operation{ID: "listCollaborators", Method: "GET", Path: "/projects/{project_id}/collaborators", Summary: "Collaborators, newest first", Permission: projectRead, Status: 200, List: true,
		Codes: []string{messages.CodeNotFound}}, s.listCollaborators)
	add(s, operation{ID: "addCollaborator", Method: "POST", Path: "/projects/{project_id}/collaborators", Summary: "Add a collaborator", Permission: projectMembers, Status: 201, ETag: true,
		Codes: append(write, messages.CodeCollaboratorLimitReached, messages.CodeAlreadyCollaborator)}, s.addCollaborator)
	add(s, operation{ID: "changeRole", Method: "PATCH", Path: "/projects/{project_id}/collaborators/{user_id}", Summary: "Change a collaborator's role", Permission: projectMembers, Status: 200, ETag: true, Codes: write}, s.changeRole)
	add(s, operation{ID: "removeCollaborator", Method: "DELETE", Path: "/projects/{project_id}/collaborators/{user_id}", Summary: "Remove a collaborator; me leaves, which everyone may", Permission: projectMembers, Status: 204, ETag: true, Codes: write}, s.removeCollaborator)
}

// tableEvents is what has happened, and who may see it.
func (s *Server) tableEvents() {
	add(s, operation{ID: "getPermissions", Method: "GET", Path: "/projects/{project_id}/permissions", Summary: "Effective rights, and why", Permission: projectRead, Status: 200,
		Codes: []string{messages.CodeNotFound, messages.CodeForbidden}}, s.getPermissions)
	add(s, operation{ID: "listFeed", Method: "GET", Path: "/events", Summary: "Everything that happened to me and in my projects, oldest first; for administrators to all. next_cursor is never null: asked again later, it leads to what has happened since",
		Permission: signedIn, Status: 200, List: true}, s.listFeed)
	add(s, operation{ID: "listEvents", Method: "GET", Path: "/projects/{project_id}/events", Summary: "The project's event log, oldest first. With Accept: text/event-stream what happens from now on, or since the Last-Event-ID", Permission: projectRead, Status: 200, List: true, Streams: true,
		Codes: []string{messages.CodeNotFound}}, s.listEvents)
	add(s, operation{ID: "listActivity", Method: "GET", Path: "/projects/{project_id}/activity", Summary: "The project's events, newest first", Permission: projectRead, Status: 200, List: true,
		Codes: []string{messages.CodeNotFound}}, s.listActivity)
}

// tableCluster is for those who run it.
func (s *Server) tableCluster() {
	add(s, operation{ID: "getCluster", Method: "GET", Path: "/cluster", Summary: "The nodes, as the one that answers sees them", Permission: administer, Status: 200}, s.getCluster)
	add(s, operation{ID: "drainNode", Method: "POST", Path: "/cluster/nodes/{node}/drain", Summary: "Hand a node's entities to the others, until it is started again", Permission: administer, Status: 204, Repeatable: true,
		Codes: []string{messages.CodeNotFound, messages.CodeInvalidState}}, s.drainNode)
}

// tableUsers is for those who administer the installation, and who look after it.
func (s *Server) tableUsers() {
	found := []string{messages.CodeNotFound}
	move := []string{messages.CodeNotFound, messages.CodeInvalidState}
	add(s, operation{ID: "listUsers", Method: "GET", Path: "/users", Summary: "Users, newest first", Permission: readUsers, Status: 200, List: true}, s.listUsers)
	add(s, operation{ID: "createUser", Method: "POST", Path: "/users", Summary: "Make a pending user, who sets the password by a link that is mailed", Permission: administer, Status: 201, ETag: true, Creates: true,
		Codes: []string{messages.CodeEmailTaken, messages.CodeTooManyAttempts}}, s.createUser)
	add(s, operation{ID: "getUser", Method: "GET", Path: "/users/{user_id}", Summary: "A user: name and profile; all of it for himself and those who look after the installation", Permission: signedIn, Status: 200,
		Codes: found}, s.getUser)
	add(s, operation{ID: "replaceUser", Method: "PUT", Path: "/users/{user_id}", Summary: "Replace a user's name, profile and roles", Permission: administer, Status: 200, ETag: true, Codes: found}, s.replaceUser)
	add(s, operation{ID: "updateUser", Method: "PATCH", Path: "/users/{user_id}", Summary: "Change a user's name, profile or roles", Permission: administer, Status: 200, ETag: true, Codes: found}, s.updateUser)
	add(s, operation{ID: "deleteUser", Method: "DELETE", Path: "/users/{user_id}", Summary: "Delete a user: what tells who he was is overwritten", Permission: administer, Status: 204, ETag: true,
		Codes: append(found, messages.CodeOwnsProjects)}, s.deleteUser)
	add(s, operation{ID: "activateUser", Method: "POST", Path: "/users/{user_id}/activate", Summary: "Pending to active", Permission: administer, Status: 200, ETag: true, Codes: move}, s.activateUser)
	add(s, operation{ID: "suspendUser", Method: "POST", Path: "/users/{user_id}/suspend", Summary: "Suspend a user, until a time or without an end", Permission: administer, Status: 200, ETag: true, Codes: move}, s.suspendUser)
	add(s, operation{ID: "reactivateUser", Method: "POST", Path: "/users/{user_id}/reactivate", Summary: "End a suspension, to the status before, or a deactivation", Permission: administer, Status: 200, ETag: true, Codes: move}, s.reactivateUser)
	add(s, operation{ID: "deactivateUser", Method: "POST", Path: "/users/{user_id}/deactivate", Summary: "Deactivate a user; his sessions end", Permission: administer, Status: 200, ETag: true, Codes: move}, s.deactivateUser)
	add(s, operation{ID: "revokeSessions", Method: "POST", Path: "/users/{user_id}/revoke-sessions", Summary: "End all of a user's sessions", Permission: helpUsers, Status: 204, Codes: found}, s.revokeSessions)
	add(s, operation{ID: "resendMail", Method: "POST", Path: "/users/{user_id}/resend-mail", Summary: "Mail a pending user again the link that he needs", Permission: helpUsers, Status: 202, Codes: append(found, messages.CodeTooManyAttempts)}, s.resendMail)
}

// tableRegistration answers with the account, or, where addresses are proved, with
// nothing that tells whether there is one.
func (s *Server) tableRegistration() {
	op := operation{ID: "register", Method: "POST", Path: "/auth/register", Summary: "Create an account", Permission: public, Status: 201,
		Codes: []string{messages.CodeTooManyAttempts, messages.CodeWeakPassword, messages.CodeBreachedPassword, messages.CodeOverloaded}}
	if s.config.Verification {
		op.Status, op.Summary = 202, "Create an account; the mail to its address says what became of it"
		add(s, op, s.registerUnproved)
		return
	}
	op.Codes = append(op.Codes, messages.CodeEmailTaken)
	add(s, op, s.register)
}

// statusCodes are the refusals of users who may not act.
func statusCodes() []string {
	return []string{messages.CodeEmailUnverified, messages.CodeUserSuspended, messages.CodeUserInactive}
}
