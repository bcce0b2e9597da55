package introspect

// rfc7662 is OAuth 2.0 Token Introspection. The status 401 speaks of the caller
// there (section 2.3), so only `active` says something of the token.
//
// The session id is `sid`, which Keycloak and others add, and without it the
// token itself. `jti` is no session id: it names the token, so a refreshed token
// has another, and it would add nothing but the harm of a server that gives one
// twice. `username` is no alias, since nothing says that it is unique.
func rfc7662() Preset {
	return Preset{Config: Config{
		Method:       "POST",
		Send:         []Param{{In: inForm, Name: "token", Value: tokenPlaceholder}, jsonParam},
		ActiveWhen:   "status == 200 && body.active == true",
		InactiveWhen: "status == 200 && body.active == false",
		Subject:      "body.sub",
		SessionID:    "body.sid",
		Expires:      "body.exp",
	}}
}

// keycloak is Keycloak's introspection endpoint. Its `sid` is the browser's session
// with Keycloak (`session_state` before version 20), which a refreshed token shares;
// a service account's token has none. The same session signed in again has a greater
// `auth_time`, and begins a new life of the login.
//
// Asked under another host name than the token was issued under, Keycloak calls the
// token inactive: nothing here can tell. `username` is unique within a realm.
func keycloak() Preset {
	p := rfc7662()
	p.Config.SessionID = "has(body.sid) ? body.sid : body.session_state"
	p.Config.LoginTime = "body.auth_time"
	p.Config.Aliases = "body.username"
	return p
}

// hydra is Ory Hydra's, on its admin port. Hydra calls refresh tokens active too: as
// credentials of a request they are none. `ext` is what the consent application says
// of the session; a `sid` there is the login's, and without one the token itself is.
func hydra() Preset {
	const refresh = "has(body.token_use) && body.token_use == 'refresh_token'"
	p := rfc7662()
	p.Config.ActiveWhen = "status == 200 && body.active == true && !(" + refresh + ")"
	p.Config.InactiveWhen = "status == 200 && (body.active == false || " + refresh + ")"
	p.Config.SessionID = "body.ext.sid"
	return p
}

// oidcUserinfo is the UserInfo endpoint of OpenID Connect Core section 5.3. Its
// answer says nothing of the login; a JWT that the endpoint has accepted does,
// where it has sid and exp.
func oidcUserinfo() Preset {
	return Preset{Config: Config{
		Method:       "GET",
		Send:         []Param{bearerParam, jsonParam},
		ActiveWhen:   "status == 200",
		InactiveWhen: "status == 401",
		Subject:      "body.sub",
		SessionID:    "jwt.sid",
		Expires:      "jwt.exp",
	}}
}
