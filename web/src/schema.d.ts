// Made from the OpenAPI document: make web.
export interface paths {
    "/api/v1/auth/login": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Sign in
         * @description Permission: public.
         */
        post: operations["login"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/logout": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * End this session
         * @description Permission: signed-in.
         */
        post: operations["logout"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/password/forgot": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Have a link mailed that sets a new password
         * @description Permission: public.
         */
        post: operations["forgotPassword"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/refresh": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Exchange a refresh token, of the body or of a cookie, for a new pair
         * @description Permission: public.
         */
        post: operations["refresh"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/register": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Create an account
         * @description Permission: public.
         */
        post: operations["register"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/session": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Who am I
         * @description Permission: signed-in.
         */
        get: operations["getSession"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/auth/verify-email/resend": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Have that link mailed again
         * @description Permission: public.
         */
        post: operations["resendVerification"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/documents/{document_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What a document is called
         * @description Permission: project:read.
         */
        get: operations["getDocument"];
        put?: never;
        post?: never;
        /**
         * Delete a document, its content and its versions
         * @description Permission: project:edit_content.
         */
        delete: operations["deleteDocument"];
        options?: never;
        head?: never;
        /**
         * Rename a document
         * @description Permission: project:edit_content.
         */
        patch: operations["renameDocument"];
        trace?: never;
    };
    "/api/v1/invitations/{token}/accept": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Become a collaborator; the invitation must be for my address, and stays where the project is full
         * @description Permission: signed-in.
         */
        post: operations["acceptInvitation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/invitations/{token}/decline": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * End an invitation for my address
         * @description Permission: signed-in.
         */
        post: operations["declineInvitation"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Projects that are mine or shared with me
         * @description Permission: signed-in.
         */
        get: operations["listProjects"];
        put?: never;
        /**
         * Start a project
         * @description Permission: signed-in.
         */
        post: operations["createProject"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{project_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * One project
         * @description Permission: project:read.
         */
        get: operations["getProject"];
        /**
         * Replace name, description and settings
         * @description Permission: project:manage_settings.
         */
        put: operations["replaceProject"];
        post?: never;
        /**
         * Delete the project
         * @description Permission: project:delete.
         */
        delete: operations["deleteProject"];
        options?: never;
        head?: never;
        /**
         * Change name, description or settings; settings need manage_settings
         * @description Permission: project:edit_project.
         */
        patch: operations["updateProject"];
        trace?: never;
    };
    "/api/v1/projects/{project_id}/activate": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Draft to active
         * @description Permission: project:archive.
         */
        post: operations["activateProject"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{project_id}/activity": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The project's events, newest first
         * @description Permission: project:read.
         */
        get: operations["listActivity"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{project_id}/archive": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Active to archived: read-only
         * @description Permission: project:archive.
         */
        post: operations["archiveProject"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{project_id}/collaborators": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Collaborators, newest first
         * @description Permission: project:read.
         */
        get: operations["listCollaborators"];
        put?: never;
        /**
         * Add a collaborator
         * @description Permission: project:manage_members.
         */
        post: operations["addCollaborator"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{project_id}/collaborators/{user_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Remove a collaborator; me leaves, which everyone may
         * @description Permission: project:manage_members.
         */
        delete: operations["removeCollaborator"];
        options?: never;
        head?: never;
        /**
         * Change a collaborator's role
         * @description Permission: project:manage_members.
         */
        patch: operations["changeRole"];
        trace?: never;
    };
    "/api/v1/projects/{project_id}/documents": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The project's documents, newest first
         * @description Permission: project:read.
         */
        get: operations["listDocuments"];
        put?: never;
        /**
         * Begin an empty document
         * @description Permission: project:edit_content.
         */
        post: operations["createDocument"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{project_id}/invitations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Invitations that wait, newest first
         * @description Permission: project:manage_members.
         */
        get: operations["listInvitations"];
        put?: never;
        /**
         * Mail an address an invitation; the reply does not tell whether it has an account
         * @description Permission: project:manage_members.
         */
        post: operations["invite"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{project_id}/invitations/{invitation_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /**
         * Take an invitation back
         * @description Permission: project:manage_members.
         */
        delete: operations["revokeInvitation"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{project_id}/permissions": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Effective rights, and why
         * @description Permission: project:read.
         */
        get: operations["getPermissions"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/projects/{project_id}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Archived to active
         * @description Permission: project:archive.
         */
        post: operations["restoreProject"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/realtime": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The event channel: a WebSocket with the subprotocol atelier.v1+json
         * @description Permission: socket.
         */
        get: operations["openRealtime"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/me/invitations": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Invitations for my address, newest first; the 100 newest
         * @description Permission: signed-in.
         */
        get: operations["myInvitations"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/{user_id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * A user: name and profile; all of it for himself and those who look after the installation
         * @description Permission: signed-in.
         */
        get: operations["getUser"];
        /**
         * Replace a user's name, profile and roles
         * @description Permission: installation:administer.
         */
        put: operations["replaceUser"];
        post?: never;
        /**
         * Delete a user: what tells who he was is overwritten
         * @description Permission: installation:administer.
         */
        delete: operations["deleteUser"];
        options?: never;
        head?: never;
        /**
         * Change a user's name, profile or roles
         * @description Permission: installation:administer.
         */
        patch: operations["updateUser"];
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Accepted: {
            /** @enum {string} */
            status: "verification_sent" | "accepted";
        };
        AddCollaboratorInput: {
            /** @enum {string} */
            role?: "viewer" | "commenter" | "editor" | "collaborator" | "admin";
            /** Format: uuid */
            user_id: string;
        };
        AddressInput: {
            email: string;
        };
        ChangeRoleInput: {
            /** @enum {string} */
            role: "viewer" | "commenter" | "editor" | "collaborator" | "admin";
        };
        Collaborator: {
            /** Format: date-time */
            added_at: string;
            added_by: string;
            /** Format: uuid */
            project_id: string;
            /** @enum {string} */
            role: "viewer" | "commenter" | "editor" | "collaborator" | "admin";
            user: components["schemas"]["PublicUser"];
            /** Format: uuid */
            user_id: string;
        };
        CreateDocumentInput: {
            name: string;
        };
        CreateProjectInput: {
            description?: string;
            name: string;
            settings?: components["schemas"]["SettingsInput"];
        };
        CurrentSession: {
            /** @description Assurance level (NIST SP 800-63B) */
            acr: string;
            amr: string[];
            /** @description With cookies: for the header X-CSRF-Token of writes */
            csrf_token: string;
            /** @description What the credential is good for; * is everything */
            scopes: string[];
            session: components["schemas"]["Session"];
            user: components["schemas"]["User"];
        };
        Document: {
            /** Format: date-time */
            created_at: string;
            /** Format: uuid */
            created_by: string;
            /** Format: uuid */
            id: string;
            name: string;
            /** Format: uuid */
            project_id: string;
            /**
             * Format: date-time
             * @description When it was last renamed.
             */
            updated_at: string;
            /**
             * Format: int64
             * @description Of the name; the content has a position.
             */
            version: number;
        };
        Event: {
            actor_id: string;
            /** @description The changed fields with their new values */
            data: {
                [key: string]: unknown;
            };
            /** Format: uuid */
            id: string;
            /** Format: date-time */
            occurred_at: string;
            /** Format: uuid */
            project_id: string;
            /** Format: int64 */
            seq: number;
            type: string;
        };
        Invitation: {
            /** Format: date-time */
            created_at: string;
            email: string;
            /** Format: date-time */
            expires_at: string;
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            invited_by: string;
            /** Format: uuid */
            project_id: string;
            /** @enum {string} */
            role: "viewer" | "commenter" | "editor" | "collaborator" | "admin";
        };
        InviteInput: {
            email: string;
            /** @enum {string} */
            role?: "viewer" | "commenter" | "editor" | "collaborator" | "admin";
        };
        Invited: {
            /** Format: date-time */
            created_at: string;
            email: string;
            /** Format: date-time */
            expires_at: string;
            /** Format: uuid */
            id: string;
            /** Format: uuid */
            invited_by: string;
            /** Format: uuid */
            project_id: string;
            project_name: string;
            /** @enum {string} */
            role: "viewer" | "commenter" | "editor" | "collaborator" | "admin";
            /** @description Of its link; in the list of one's own */
            token?: string;
        };
        LoginInput: {
            /** @description Keep the tokens in cookies, which scripts cannot read, and not in the reply */
            cookie?: boolean;
            email: string;
            password: string;
        };
        PageCollaborator: {
            items: components["schemas"]["Collaborator"][];
            next_cursor: string | null;
        };
        PageDocument: {
            items: components["schemas"]["Document"][];
            next_cursor: string | null;
        };
        PageEvent: {
            items: components["schemas"]["Event"][];
            next_cursor: string | null;
        };
        PageInvitation: {
            items: components["schemas"]["Invitation"][];
            next_cursor: string | null;
        };
        PageInvited: {
            items: components["schemas"]["Invited"][];
            next_cursor: string | null;
        };
        Permissions: {
            /** Format: uuid */
            project_id: string;
            rights: components["schemas"]["Right"][];
            /** @description owner, a collaborator's role, public, or empty */
            role: string;
            user_id: string;
        };
        Profile: {
            avatar_url: string;
            bio: string;
            display_name: string;
            locale: string;
            location: string;
            timezone: string;
            website: string;
        };
        ProfileInput: {
            avatar_url?: string | null;
            bio?: string | null;
            display_name?: string | null;
            locale?: string | null;
            location?: string | null;
            timezone?: string | null;
            website?: string | null;
        };
        Project: {
            /** Format: int32 */
            collaborator_count: number;
            /** @description User ids, the first 100 */
            collaborators: string[];
            /** Format: date-time */
            created_at: string;
            description: string;
            /** Format: uuid */
            id: string;
            name: string;
            /** Format: uuid */
            owner_id: string;
            settings: components["schemas"]["Settings"];
            /** @enum {string} */
            status: "draft" | "active" | "archived";
            /** Format: date-time */
            updated_at: string;
            /** Format: int64 */
            version: number;
        };
        ProjectPage: {
            items: components["schemas"]["Project"][];
            next_cursor: string | null;
        };
        PublicUser: {
            /** Format: uuid */
            id: string;
            name: string;
            profile: components["schemas"]["Profile"];
        };
        RefreshInput: {
            /** @description Where it is left out, that of the cookie */
            refresh_token?: string;
        };
        RegisterInput: {
            email: string;
            name: string;
            password: string;
        };
        RenameDocumentInput: {
            name: string;
        };
        ReplaceProjectInput: {
            description?: string;
            name: string;
            settings?: components["schemas"]["SettingsInput"];
        };
        ReplaceUserInput: {
            name: string;
            profile?: components["schemas"]["ProfileInput"];
            roles: ("user" | "admin" | "auditor" | "support")[];
        };
        Right: {
            allowed: boolean;
            reason?: string;
            right: string;
        };
        Session: {
            /** @description How the user signed in (RFC 8176) */
            amr: string[];
            /** Format: date-time */
            created_at: string;
            current: boolean;
            /** Format: date-time */
            expires_at: string;
            /** Format: uuid */
            id: string;
            ip: string;
            /** Format: date-time */
            last_seen_at: string;
            user_agent: string;
            /** Format: uuid */
            user_id: string;
        };
        Settings: {
            allow_comments: boolean;
            /** Format: int32 */
            max_collaborators: number;
            public: boolean;
        };
        SettingsInput: {
            allow_comments?: boolean;
            /** Format: int32 */
            max_collaborators?: number;
            public?: boolean;
        };
        StaffUser: {
            /** Format: date-time */
            created_at: string;
            email: string;
            /** Format: uuid */
            id: string;
            /** Format: date-time */
            last_login: string | null;
            mfa_enabled: boolean;
            name: string;
            profile: components["schemas"]["Profile"];
            roles: string[];
            /** @enum {string} */
            status: "pending" | "active" | "suspended" | "inactive";
            /** @description For administrators, while the user is suspended */
            suspension?: components["schemas"]["Suspension"];
            /** Format: date-time */
            updated_at: string;
        };
        Suspension: {
            /** Format: date-time */
            at: string;
            by: string;
            reason: string;
            /** Format: date-time */
            until: string | null;
        };
        Tokens: {
            access_token?: string;
            /** @description With cookies: for the header X-CSRF-Token of writes */
            csrf_token?: string;
            /**
             * Format: int64
             * @description Seconds
             */
            expires_in: number;
            refresh_token?: string;
            /** Format: uuid */
            session_id: string;
            /** @enum {string} */
            token_type: "Bearer";
            user: components["schemas"]["User"];
        };
        UpdateProjectInput: {
            description?: string;
            name?: string;
            settings?: components["schemas"]["SettingsInput"];
        };
        UpdateUserInput: {
            name?: string;
            profile?: components["schemas"]["ProfileInput"];
            roles?: ("user" | "admin" | "auditor" | "support")[];
        };
        User: {
            /** Format: date-time */
            created_at: string;
            email: string;
            /** Format: uuid */
            id: string;
            /** Format: date-time */
            last_login: string | null;
            mfa_enabled: boolean;
            name: string;
            profile: components["schemas"]["Profile"];
            roles: string[];
            /** @enum {string} */
            status: "pending" | "active" | "suspended" | "inactive";
            /** Format: date-time */
            updated_at: string;
        };
        VisibleUser: {
            /** Format: date-time */
            created_at?: string;
            /** @description This and what follows: for himself and those who look after the installation */
            email?: string;
            /** Format: uuid */
            id: string;
            /**
             * Format: date-time
             * @description Null before the first
             */
            last_login?: string | null;
            mfa_enabled?: boolean;
            name: string;
            profile: components["schemas"]["Profile"];
            roles?: string[];
            /** @enum {string} */
            status?: "pending" | "active" | "suspended" | "inactive";
            suspension?: components["schemas"]["Suspension"];
            /** Format: date-time */
            updated_at?: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    login: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["LoginInput"];
            };
        };
        responses: {
            /** @description Sign in */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tokens"];
                };
            };
        };
    };
    logout: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description End this session */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    forgotPassword: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AddressInput"];
            };
        };
        responses: {
            /** @description Have a link mailed that sets a new password */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Accepted"];
                };
            };
        };
    };
    refresh: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["RefreshInput"];
            };
        };
        responses: {
            /** @description Exchange a refresh token, of the body or of a cookie, for a new pair */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Tokens"];
                };
            };
        };
    };
    register: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RegisterInput"];
            };
        };
        responses: {
            /** @description Create an account */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["User"];
                };
            };
        };
    };
    getSession: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Who am I */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["CurrentSession"];
                };
            };
        };
    };
    resendVerification: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AddressInput"];
            };
        };
        responses: {
            /** @description Have that link mailed again */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Accepted"];
                };
            };
        };
    };
    getDocument: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                document_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description What a document is called */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Document"];
                };
            };
        };
    };
    deleteDocument: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                document_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Delete a document, its content and its versions */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    renameDocument: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                document_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["RenameDocumentInput"];
                "application/merge-patch+json": components["schemas"]["RenameDocumentInput"];
            };
        };
        responses: {
            /** @description Rename a document */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Document"];
                };
            };
        };
    };
    acceptInvitation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                token: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Become a collaborator; the invitation must be for my address, and stays where the project is full */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Collaborator"];
                };
            };
        };
    };
    declineInvitation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                token: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description End an invitation for my address */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    listProjects: {
        parameters: {
            query?: {
                /** @description Items on a page; 20 by default. */
                limit?: number;
                /** @description next_cursor of the page before. */
                cursor?: string;
                status?: "draft" | "active" | "archived";
                /** @description My role in the project. */
                role?: "owner" | "viewer" | "commenter" | "editor" | "collaborator" | "admin";
                /** @description Text in name or description. */
                q?: string;
                public?: boolean | null;
                /** @description -created_at by default. */
                sort?: "-created_at" | "-updated_at" | "name";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Projects that are mine or shared with me */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["ProjectPage"];
                };
            };
        };
    };
    createProject: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateProjectInput"];
            };
        };
        responses: {
            /** @description Start a project */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Project"];
                };
            };
        };
    };
    getProject: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description One project */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Project"];
                };
            };
        };
    };
    replaceProject: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReplaceProjectInput"];
            };
        };
        responses: {
            /** @description Replace name, description and settings */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Project"];
                };
            };
        };
    };
    deleteProject: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Delete the project */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    updateProject: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateProjectInput"];
                "application/merge-patch+json": components["schemas"]["UpdateProjectInput"];
            };
        };
        responses: {
            /** @description Change name, description or settings; settings need manage_settings */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Project"];
                };
            };
        };
    };
    activateProject: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Draft to active */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Project"];
                };
            };
        };
    };
    listActivity: {
        parameters: {
            query?: {
                /** @description Items on a page; 20 by default. */
                limit?: number;
                /** @description next_cursor of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The project's events, newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageEvent"];
                };
            };
        };
    };
    archiveProject: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Active to archived: read-only */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Project"];
                };
            };
        };
    };
    listCollaborators: {
        parameters: {
            query?: {
                /** @description Items on a page; 20 by default. */
                limit?: number;
                /** @description next_cursor of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Collaborators, newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageCollaborator"];
                };
            };
        };
    };
    addCollaborator: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["AddCollaboratorInput"];
            };
        };
        responses: {
            /** @description Add a collaborator */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Collaborator"];
                };
            };
        };
    };
    removeCollaborator: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
                /** @description A user's id, or me. */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Remove a collaborator; me leaves, which everyone may */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    changeRole: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
                /** @description A user's id, or me. */
                user_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ChangeRoleInput"];
                "application/merge-patch+json": components["schemas"]["ChangeRoleInput"];
            };
        };
        responses: {
            /** @description Change a collaborator's role */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Collaborator"];
                };
            };
        };
    };
    listDocuments: {
        parameters: {
            query?: {
                /** @description Items on a page; 20 by default. */
                limit?: number;
                /** @description next_cursor of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The project's documents, newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageDocument"];
                };
            };
        };
    };
    createDocument: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["CreateDocumentInput"];
            };
        };
        responses: {
            /** @description Begin an empty document */
            201: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Document"];
                };
            };
        };
    };
    listInvitations: {
        parameters: {
            query?: {
                /** @description Items on a page; 20 by default. */
                limit?: number;
                /** @description next_cursor of the page before. */
                cursor?: string;
            };
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Invitations that wait, newest first */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageInvitation"];
                };
            };
        };
    };
    invite: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["InviteInput"];
            };
        };
        responses: {
            /** @description Mail an address an invitation; the reply does not tell whether it has an account */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Accepted"];
                };
            };
        };
    };
    revokeInvitation: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
                invitation_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Take an invitation back */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    getPermissions: {
        parameters: {
            query?: {
                /** @description Whose rights; mine by default. Others' need the right to manage members. */
                user?: string;
                /** @description Say why. */
                explain?: boolean;
            };
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Effective rights, and why */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Permissions"];
                };
            };
        };
    };
    restoreProject: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                project_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Archived to active */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Project"];
                };
            };
        };
    };
    openRealtime: {
        parameters: {
            query?: {
                /** @description Of POST /realtime/tickets, from pages without cookies */
                ticket?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The event channel: a WebSocket with the subprotocol atelier.v1+json */
            101: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    myInvitations: {
        parameters: {
            query?: {
                /** @description Items on a page; 20 by default. */
                limit?: number;
                /** @description next_cursor of the page before. */
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Invitations for my address, newest first; the 100 newest */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["PageInvited"];
                };
            };
        };
    };
    getUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A user: name and profile; all of it for himself and those who look after the installation */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["VisibleUser"];
                };
            };
        };
    };
    replaceUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                user_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["ReplaceUserInput"];
            };
        };
        responses: {
            /** @description Replace a user's name, profile and roles */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StaffUser"];
                };
            };
        };
    };
    deleteUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                user_id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Delete a user: what tells who he was is overwritten */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
    updateUser: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                user_id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["UpdateUserInput"];
                "application/merge-patch+json": components["schemas"]["UpdateUserInput"];
            };
        };
        responses: {
            /** @description Change a user's name, profile or roles */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["StaffUser"];
                };
            };
        };
    };
}
