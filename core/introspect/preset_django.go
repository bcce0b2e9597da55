package introspect

import "github.com/wsgate/wsgate/core/token"

// drf is Django REST framework with its TokenAuthentication, and any view that
// answers with the user: djoser's `/users/me/` names it `id`, dj-rest-auth's `/user/`
// `pk`.
//
// A refused token is 401, but 403 where SessionAuthentication stands first, and then
// only the text tells it from a missing permission. wsgate asks for it in English; of
// a site that answers in another language alone, it is an error, which ends no login.
//
// One account has one token, which every login of it gets.
func drf() Preset {
	return Preset{
		Config: Config{
			Method: "GET",
			Send: []Param{
				{In: inHeader, Name: "Authorization", Value: "Token " + tokenPlaceholder},
				jsonParam,
				{In: inHeader, Name: "Accept-Language", Value: "en"},
			},
			ActiveWhen:   "status == 200",
			InactiveWhen: "status == 401 || status == 403 && body.detail in ['Invalid token.', 'User inactive or deleted.', 'Authentication credentials were not provided.']",
			Subject:      "has(body.pk) ? body.pk : body.id",
			Aliases:      "body.username",
			SharedTokens: new(true),
		},
		Tokens: []token.Source{
			{Kind: token.Header, Name: "Authorization", Scheme: "Token"},
			{Kind: token.Query, Name: "token"},
			{Kind: token.Subprotocol},
		},
		Reject: &Rejection{
			Status: 401, Headers: []Header{{"WWW-Authenticate", "Token"}},
			ContentType: "application/json", Body: `{"detail":"Invalid token."}`,
		},
		Pass: []Route{
			{"POST", "/api-token-auth/"},
			{"POST", "/auth/token/login/"},
			{"POST", "/auth/users/"},
			{"POST", "/dj-rest-auth/login/"},
			{"POST", "/dj-rest-auth/registration/"},
		},
		// They delete the account's token, and end its other logins with this one.
		Logout: []Route{{"POST", "/auth/token/logout/"}, {"POST", "/dj-rest-auth/logout/"}},
	}
}
