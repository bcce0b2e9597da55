package introspect

import (
	"time"

	"github.com/wsgate/wsgate/core/token"
)

// ruoyiPrefixes are those of RuoYi's own front ends in production, which a proxy
// removes, and none.
var ruoyiPrefixes = []string{"", "/prod-api"}

// ruoyi is RuoYi-Vue: the status is always 200, the code is in the body, and the
// header may have the token bare. Its JWT has no time in it; `loginTime` in the
// backend's session changes with every refresh, so it is no login time.
//
// The page keeps the token in a cookie, Admin-Token, but the backend reads the
// header only. A cookie that is no credential there is none here: it would have
// the page itself refused, its scripts and images, and the login page with them.
//
// The paths are there with and without /prod-api, the prefix that RuoYi's own
// build gives them and that a proxy removes.
func ruoyi() Preset {
	p := Preset{
		Config: Config{
			Method:       "GET",
			Send:         []Param{bearerParam, jsonParam},
			ActiveWhen:   "status == 200 && body.code == 200",
			InactiveWhen: "status == 200 && body.code == 401",
			Subject:      "body.user.userId",
			Aliases:      "body.user.userName",
			SessionID:    "jwt.login_user_key",
			Sliding:      slides(30 * time.Minute),
		},
		Tokens: []token.Source{
			{Kind: token.Header, Name: "Authorization", Scheme: "Bearer", SchemeOptional: true},
			{Kind: token.Query, Name: "token"},
			{Kind: token.Subprotocol},
		},
		Reject: &Rejection{
			Status: 200, ContentType: "application/json;charset=utf-8",
			Body: `{"msg":"认证失败，无法访问系统资源","code":401}`,
		},
		Allow: "status == 200 && body.code == 200",
	}
	p.Pass = under(ruoyiPrefixes, Route{"POST", "/login"}, Route{"POST", "/register"}, Route{"GET", "/captchaImage"})
	p.Logout = under(ruoyiPrefixes, Route{"POST", "/logout"})
	return p
}

// ruoyiPlus is RuoYi-Vue-Plus, which is Sa-Token with JWTs of no expiry. A request
// needs the id of the client that the token was issued to, in a header or a query
// parameter. A token is for the life of a login: there is no refresh.
//
// A name is unique within a tenant only, so it is no alias: the admin of one tenant
// could watch the admin of another.
func ruoyiPlus() Preset {
	return Preset{
		Config: Config{
			Method:         "GET",
			Send:           []Param{bearerParam, jsonParam},
			ForwardHeaders: []ForwardHeader{{Name: "clientid", Query: "clientid"}},
			ActiveWhen:     "status == 200 && body.code == 200",
			InactiveWhen:   "status == 200 && body.code == 401",
			Subject:        "body.data.user.userId",
			Claims:         "body.data",
			Sliding:        slides(30 * time.Minute),
		},
		Tokens: []token.Source{
			{Kind: token.Header, Name: "Authorization", Scheme: "Bearer"},
			{Kind: token.Query, Name: "Authorization", Scheme: "Bearer"},
			{Kind: token.Subprotocol},
		},
		Reject: &Rejection{
			Status: 200, ContentType: "application/json;charset=utf-8",
			Body: `{"code":401,"msg":"认证失败，无法访问系统资源","data":null}`,
		},
		Pass: under(ruoyiPrefixes,
			Route{"POST", "/auth/login"}, Route{"POST", "/auth/register"}, Route{"POST", "/auth/social/callback"},
			Route{"GET", "/auth/code"}, Route{"GET", "/auth/tenant/list"},
			Route{"GET", "/resource/sms/code"}, Route{"GET", "/resource/email/code"}),
		Logout:    under(ruoyiPrefixes, Route{"POST", "/auth/logout"}),
		Allow:     "status == 200 && body.code == 200",
		Heartbeat: Heartbeat{`{"type":"ping"}`, `{"type":"ping"}`},
	}
}
