package introspect

// sanctum is Laravel Sanctum. Without an Accept header Laravel answers a bad
// token with a redirect to its login page.
//
// Sanctum looks a token up by the number before the bar, which it compares as a
// number, or by the text behind it if there is no bar: `1|x`, `01|x` and `x` are
// one login. The text behind the first bar is what they have in common.
func sanctum() Preset {
	return Preset{
		Config: Config{
			Method:       "GET",
			Send:         []Param{bearerParam, jsonParam},
			ActiveWhen:   "status == 200",
			InactiveWhen: "status == 401",
			Subject:      "body.id",
			SessionID:    "token.contains('|') ? token.substring(token.indexOf('|') + 1) : token",
		},
		Reject: &Rejection{Status: 401, ContentType: "application/json", Body: `{"message":"Unauthenticated."}`},
		Pass: []Route{
			{"POST", "/login"},
			{"POST", "/api/login"},
			{"POST", "/register"},
			{"POST", "/api/register"},
			{"GET", "/sanctum/csrf-cookie"},
		},
		Logout: []Route{{"POST", "/logout"}, {"POST", "/api/logout"}},
	}
}
