package introspect

import "github.com/wsgate/wsgate/core/token"

// saToken is any backend on Sa-Token that has an endpoint which answers with
// SaResult.data(StpUtil.getTokenInfo()), as its documentation shows. That renews no
// active timeout, and says `isLogin` false of every token that is refused, whatever
// for.
//
// With `is-share`, the default of versions before 1.41, every login of an account gets
// the same token: that takes `shared_tokens on`.
//
// An endpoint behind checkLogin answers with an error instead, whose code is the
// application's choice, 500 in the documentation's example: what tells it from another
// error is the text of NotLoginException, in the spelling of old and new versions.
func saToken() Preset {
	const refused = `'(?i)^(token ?(无效|已过期|已被顶下线|已被踢下线|已被冻结)|(未能读取到有效|未提供) ?token|未按照指定前缀提交 ?token|当前会话未登录)'`
	return Preset{
		Config: Config{
			Method:       "GET",
			Send:         []Param{{In: inHeader, Name: "satoken", Value: tokenPlaceholder}, jsonParam},
			ActiveWhen:   "status == 200 && body.code == 200 && body.data.isLogin == true",
			InactiveWhen: "status == 401 || status == 200 && (body.code == 401 || body.data.isLogin == false || body.code != 200 && body.msg.matches(" + refused + "))",
			Subject:      "body.data.loginId",
			Claims:       "body.data",
		},
		Tokens: []token.Source{
			{Kind: token.Header, Name: "satoken"},
			{Kind: token.Cookie, Name: "satoken"},
			{Kind: token.Query, Name: "satoken"},
			{Kind: token.Subprotocol},
		},
		Reject: &Rejection{
			Status: 200, ContentType: "application/json;charset=utf-8",
			Body: `{"code":401,"msg":"token 无效","data":null}`,
		},
		Pass: []Route{
			{"POST", "/login"},
			{"POST", "/user/doLogin"},
			{"GET", "/user/doLogin"},
			{"POST", "/acc/doLogin"},
			{"POST", "/auth/login"},
		},
		Logout: []Route{{"*", "/logout"}, {"*", "/user/logout"}, {"*", "/acc/logout"}, {"*", "/auth/logout"}},
		Allow:  "status == 200 && body.code == 200",
	}
}
