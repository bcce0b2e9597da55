package introspect

import "github.com/wsgate/wsgate/core/token"

// yudao is ruoyi-vue-pro and yudao-cloud, by their check-token endpoint: it wants a
// client's id and secret (`auth basic`) and the tenant's id. It answers 200 whatever
// it says, and the code is in the body: a token that is refused is 401, a caller that
// is refused something else.
//
// Administrators and members have ids of their own, so an account is its type and its
// id: `2:1` is the administrator 1, who may watch as `1` too, and `1:1` the member.
//
// Nothing in the answer tells which login a token is of, but its pages use two: the
// access token in requests and the refresh token, which the backend takes as well, on
// the socket. They also refresh by themselves whenever they are refused. So login
// requests are observed, and the refresh token leads to the login too. A token that
// comes from elsewhere, of a browser whose login was displaced, is that login
// refreshed.
func yudao() Preset {
	p := Preset{
		Config: Config{
			Method:         "POST",
			Send:           []Param{{In: inForm, Name: "token", Value: tokenPlaceholder}, jsonParam},
			ForwardHeaders: []ForwardHeader{{Name: "tenant-id", Query: "tenant-id"}},
			ActiveWhen:     "status == 200 && body.code == 0",
			InactiveWhen:   "status == 200 && body.code == 401",
			Subject:        "string(body.data.user_type) + ':' + string(body.data.user_id)",
			Aliases:        "body.data.user_type == 2 ? string(body.data.user_id) : ''",
			Expires:        "body.data.exp",
			Claims:         "body.data",
		},
		Tokens: []token.Source{
			{Kind: token.Header, Name: "Authorization", Scheme: "Bearer", SchemeOptional: true},
			{Kind: token.Query, Name: "token"},
			{Kind: token.Subprotocol},
		},
		Reject: &Rejection{
			Status: 200, ContentType: "application/json;charset=UTF-8",
			Body: `{"code":401,"data":null,"msg":"账号未登录"}`,
		},
		Logout: []Route{{"POST", "/admin-api/system/auth/logout"}, {"POST", "/app-api/member/auth/logout"}},
		Allow:  "status == 200 && body.code == 0",
	}
	const fresh, linked = "body.data.accessToken", "body.data.refreshToken"
	for _, auth := range []string{"/admin-api/system/auth", "/app-api/member/auth"} {
		for _, way := range []string{"/login", "/sms-login", "/social-login", "/weixin-mini-app-login", "/register"} {
			p.Observe = append(p.Observe, TokenRoute{Route{"POST", auth + way}, fresh, linked})
		}
		p.Refresh = append(p.Refresh, TokenRoute{Route{"POST", auth + "/refresh-token"}, fresh, linked})
		p.Pass = append(p.Pass, Route{"POST", auth + "/send-sms-code"}, Route{"POST", auth + "/reset-password"})
	}
	return p
}
