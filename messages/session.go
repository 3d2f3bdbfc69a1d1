package messages

// Reasons for which a session ends.
const (
	EndedByLogout   = "logout"
	EndedByUser     = "ended_by_user"
	EndedByReuse    = "reuse_detected"
	EndedByPassword = "password_changed"
	EndedByReset    = "password_reset"
	EndedByExpiry   = "expired"
	EndedByLimit    = "too_many_sessions"
	EndedByStatus   = "user_deactivated"
	EndedByDeletion = "user_deleted"
)
